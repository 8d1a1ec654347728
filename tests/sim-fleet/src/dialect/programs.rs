//! What programs on the host do.

super::axes::subject! {
    /// What programs on the host do.
    ProgramDialect;
    /// The exit code of `netsh` where it fails.
    netsh_exit: NetshExit =
        /// 1.
        Honest,
        /// 0.
        AlwaysZero;
    /// What stands behind the two texts of `WinHttpSettings`.
    winhttp_tail: WinhttpTail =
        /// Nothing.
        Nothing,
        /// Zero bytes.
        Zeros,
        /// A PAC URL with its length.
        PacUrl;
    /// Where `set advproxy` keeps its settings.
    adv_proxy_store: AdvProxyStore =
        /// In a place of its own.
        Own,
        /// The proxy in `WinHttpSettings` as well.
        WinHttpToo;
    /// What `reg query` calls the default value.
    default_name: DefaultName =
        /// A word of the host's language.
        Translated,
        /// The English one.
        English;
}
