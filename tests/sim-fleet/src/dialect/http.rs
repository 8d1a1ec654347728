//! Heads, framing, and the parts of sealed bodies.

super::axes::subject! {
    /// Heads, framing, and the parts of sealed bodies.
    HttpDialect;
    /// How long a body is said to be.
    framing: Framing =
        /// `Content-Length`.
        Length,
        /// Chunks.
        Chunked,
        /// Chunks of odd sizes with an extension, and a trailer.
        ChunkedWithTrailer;
    /// How the type of a body in clear is written.
    content_type: ContentType =
        /// Without blanks.
        Tight,
        /// With a blank, the charset in small letters.
        Spaced,
        /// The charset in quotes.
        Quoted;
    /// Letter case of header names.
    header_names: HeaderNames =
        /// As in the standards.
        Capitals,
        /// Small.
        LowerCase;
    /// What stands before the envelope.
    mark: Mark =
        /// Nothing.
        None,
        /// The byte order mark of UTF-8.
        ByteOrderMark;
    /// What stands before the headers of a part of a sealed body.
    part_headers: PartHeaders =
        /// A TAB.
        Tab,
        /// Nothing.
        Bare;
    /// What stands behind the last delimiter of a sealed body.
    parts_end: PartsEnd =
        /// A line end.
        LineEnd,
        /// Nothing.
        Bare,
        /// Two line ends.
        BlankLine;
    /// Line ends around the parts of a sealed body.
    part_lines: PartLines =
        /// None but those of lines.
        Windows,
        /// As MIME has them: an empty line behind the headers of a part, a line end before the last delimiter.
        Mime,
        /// One more before the first delimiter.
        Leading;
    /// How a delimiter of a sealed body begins.
    delimiter: Delimiter =
        /// `--Encrypted Boundary`.
        Tight,
        /// `-- Encrypted Boundary`.
        Blank;
}
