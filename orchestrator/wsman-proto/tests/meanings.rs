//! The tables of faults and HTTP statuses against the rows of the reference, in both directions.

use std::collections::{BTreeMap, BTreeSet};

use wsman_proto::Retry::{
    self, Backoff as R, FixRequest as F, NewShell as S, No as N, Poll as P, Reauthenticate as A,
};
use wsman_proto::fault::{cim_statuses, meaning, meanings, subcodes};
use wsman_proto::status::{Body, status, statuses};

/// Rows of the reference: number, retry.
#[rustfmt::skip]
const ROWS: &[(u32, Retry)] = &[
    (5, N), (50, F), (87, F), (170, R), (206, F), (2_147_942_606, F), (995, S), (1018, S), (2_147_943_418, S), (1223, S),
    (1726, R), (1722, R), (2, F), (2_147_942_402, F),
    (2_150_858_752, N), (2_150_858_753, F), (2_150_858_754, F), (2_150_858_759, S), (2_150_858_767, F), (2_150_858_768, F),
    (2_150_858_769, F), (2_150_858_770, R), (2_150_858_772, R), (2_150_858_776, F), (2_150_858_777, F), (2_150_858_778, F),
    (2_150_858_779, S), (2_150_858_780, R), (2_150_858_790, F), (2_150_858_791, F), (2_150_858_793, P), (2_150_858_802, R),
    (2_150_858_805, F), (2_150_858_809, F), (2_150_858_810, F), (2_150_858_811, F), (2_150_858_813, F), (2_150_858_815, R),
    (2_150_858_817, F), (2_150_858_818, F), (2_150_858_819, F), (2_150_858_823, F), (2_150_858_824, F), (2_150_858_825, F),
    (2_150_858_842, F), (2_150_858_843, S), (2_150_858_844, F), (2_150_858_845, F), (2_150_858_847, F), (2_150_858_855, F),
    (2_150_858_870, F), (2_150_858_881, F), (2_150_858_883, S), (2_150_858_974, N), (2_150_859_002, F), (2_150_859_003, F),
    (2_150_859_012, N), (2_150_859_013, N), (2_150_859_014, N), (2_150_859_026, R), (2_150_859_027, N), (2_150_859_046, R),
    (2_150_859_082, S), (2_150_859_087, S), (2_150_859_149, F), (2_150_859_173, R), (2_150_859_174, S), (2_150_859_175, R),
    (2_150_859_176, R), (2_150_859_177, N), (2_150_859_179, R), (2_150_859_180, N), (2_150_859_193, R), (2_150_859_212, S),
    (2_150_859_230, S), (2_150_859_236, R), (2_150_859_237, R), (2_150_859_238, R), (2_150_859_239, R), (2_150_859_240, R),
    (2_150_859_241, S), (2_150_859_242, R),
];

/// Numbers named elsewhere in the reference, the other form of a number above, and what Windows' headers add.
#[rustfmt::skip]
const MORE: &[(u32, Retry)] = &[
    (6, F), (0x8001_06BA, N), (1326, A), (0x8007_0005, N), (0x8007_0032, F), (0x8007_0057, F), (0x8007_00AA, R), (0x8007_03E3, S), (0x8007_0422, N),
    (0x8007_045B, R), (0x8007_04C7, S), (0x8007_052E, A), (0x8007_06BA, R), (0x8007_06BE, R),
    (0x8004_1001, R), (0x8004_1002, N), (0x8004_1003, N), (0x8004_1004, R), (0x8004_1005, F), (0x8004_1006, R),
    (0x8004_1008, F), (0x8004_100C, N), (0x8004_100E, N), (0x8004_1010, N), (0x8004_1013, N), (0x8004_1017, F),
    (0x8004_1019, N), (0x8004_102D, N), (0x8004_102E, N), (0x8004_1032, R), (0x8004_1033, R), (0x8004_1055, N),
    (0x8004_106C, R),
    (2_150_858_755, S), (2_150_858_771, F), (2_150_858_806, A), (2_150_859_001, A), (2_150_859_047, R), (2_150_859_229, N),
    (2_150_859_235, N),
];

#[test]
fn no_row_of_the_reference_is_missing_and_no_other_stands_here() {
    let expected: BTreeMap<u32, Retry> = ROWS.iter().chain(MORE).copied().collect();
    assert_eq!(expected.len(), ROWS.len() + MORE.len(), "a number twice");
    let found: BTreeMap<u32, Retry> = meanings().map(|row| (row.code, row.retry)).collect();
    for (code, retry) in &expected {
        assert_eq!(found.get(code), Some(retry), "{code}");
    }
    let more: Vec<_> = found
        .keys()
        .filter(|code| !expected.contains_key(code))
        .collect();
    assert!(more.is_empty(), "not in the rows: {more:?}");
}

#[test]
fn each_number_says_what_happened_and_what_to_do() {
    for row in meanings() {
        let words = [row.name, row.cause, row.remedy];
        assert!(words.iter().all(|text| text.len() > 3), "{row:?}");
        assert!(!row.remedy.ends_with('.') && !row.cause.ends_with('.'));
    }
    // Each Win32 number that has an HRESULT here means the same in both forms.
    for row in meanings().filter(|row| row.code < 0x1_0000) {
        if let Some(other) = meaning(0x8007_0000 | row.code) {
            assert_eq!(row.retry, other.retry, "{row:?} and {other:?}");
        }
    }
}

/// The subcodes and statuses that the reference names, with the numbers of their rows.
#[test]
fn words_without_a_number_count_as_one() {
    #[rustfmt::skip]
    let words = [
        ("AccessDenied", 5), ("ActionNotSupported", 2_150_858_771), ("InvalidMessageInformationHeader", 2_150_858_767),
        ("MustUnderstand", 2_150_858_768), ("MessageInformationHeaderRequired", 2_150_858_769),
        ("DestinationUnreachable", 2_150_858_770), ("EndpointUnavailable", 2_150_858_772),
        ("FilteringNotSupported", 2_150_858_776), ("FilterDialectRequestedUnavailable", 2_150_858_777),
        ("CannotProcessFilter", 2_150_858_778), ("InvalidEnumerationContext", 2_150_858_779), ("TimedOut", 2_150_858_793),
        ("Concurrency", 2_150_858_802), ("EncodingLimit", 2_150_858_805), ("InvalidOptions", 2_150_858_809),
        ("InvalidParameter", 2_150_858_810), ("InvalidResourceURI", 2_150_858_811), ("InvalidSelectors", 2_150_858_813),
        ("QuotaLimit", 2_150_858_815), ("SchemaValidationError", 2_150_858_817), ("UnsupportedFeature", 2_150_858_818),
    ];
    let found: BTreeSet<(&str, u32)> = subcodes().iter().map(|row| (row.word, row.code)).collect();
    assert_eq!(found, BTreeSet::from(words));
    let named = [1, 2, 3, 4, 5, 6, 7, 11, 16, 17, 27];
    let found: Vec<u32> = cim_statuses().iter().map(|row| row.word).collect();
    assert_eq!(found, named);
    let retries: Vec<Retry> = cim_statuses()
        .iter()
        .filter_map(|row| Some(meaning(row.code)?.retry))
        .collect();
    assert_eq!(retries, [R, N, N, F, N, N, N, N, N, N, R]);
}

#[test]
fn no_status_of_the_reference_is_missing_and_no_other_stands_here() {
    use Body::{Empty, Html, Other, Soap};
    let expected = [
        (200, Empty, None),
        (200, Html, Some(N)),
        (200, Soap, None),
        (400, Other, Some(A)),
        (401, Other, Some(A)),
        (403, Other, Some(N)),
        (404, Other, Some(N)),
        (405, Other, Some(F)),
        (407, Other, Some(N)),
        (411, Other, Some(F)),
        (413, Other, Some(F)),
        (425, Other, Some(R)),
        (429, Other, Some(R)),
        (500, Other, Some(N)),
        (500, Soap, None),
        (502, Other, Some(R)),
        (503, Other, Some(R)),
        (504, Other, Some(R)),
    ];
    let found: Vec<_> = statuses()
        .iter()
        .map(|row| (row.code, row.body, row.retry))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(status(503, Other).unwrap().retry, Some(R));
    assert!(status(418, Other).is_none());
    assert!(
        statuses()
            .iter()
            .all(|row| row.cause.len() > 10 && !row.remedy.is_empty())
    );
}
