//! Shapes of faults.

super::axes::subject! {
    /// Shapes of faults.
    FaultDialect;
    /// Which detail a fault of WMI or of a quota has.
    detail: Detail =
        /// `MSFT_WmiError` for quotas on present hosts, `WSManFault` for all else.
        Usual,
        /// Always `WSManFault`.
        WsmanFault,
        /// `MSFT_WmiError` in the namespace of the CIM schema.
        WmiError,
        /// `MSFT_WmiError` in a WMI namespace with small letters.
        WmiErrorOfStorage,
        /// `MSFT_WmiError` in the standard namespace.
        WmiErrorOfStandardCim;
    /// Where an `MSFT_WmiError` has its code.
    code: CodePlace =
        /// In `error_Code` and in `MessageID`.
        Both,
        /// `error_Code` is null.
        MessageIdOnly;
    /// Whether a fault says which request it answers.
    relates_to: FaultRelatesTo =
        /// It does.
        Present,
        /// It does not.
        Absent;
    /// `xml:lang` of the reason.
    reason_language: ReasonLanguage =
        /// That of the host.
        Named,
        /// Empty; the text ends with a blank and a line break.
        Empty;
    /// The attribute `Machine`.
    machine: Machine =
        /// The host's name.
        DnsName,
        /// Empty.
        Empty,
        /// The address that the client used.
        Address;
}
