//! "Did you mean": one measure of nearness for every kind of name.

/// The candidate a person most likely meant, or `None` when nothing is near.
///
/// Case does not count. Transposed neighbours count as one slip; about a third of the letters may be wrong.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn distance(word: &str, candidate: &str) -> usize {
    // `max-failed` and `maxfailed` for `max_failed` are slips of spelling, whatever their length.
    let plain = |text: &str| text.replace(['-', '_', ' ', '.'], "");
    if plain(word) == plain(candidate) {
        return usize::from(word != candidate);
    }
    strsim::osa_distance(word, candidate)
}
