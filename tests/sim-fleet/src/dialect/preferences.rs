//! The methods of `MSFT_MpPreference`.

super::axes::subject! {
    /// The methods of `MSFT_MpPreference`.
    PreferenceDialect;
    /// How a method says that it failed.
    failure: PreferenceFailure =
        /// The status as `ReturnValue`.
        ReturnValue,
        /// A fault with that status.
        Fault;
    /// What `Set` makes of a list.
    list: PreferenceList =
        /// It takes the place of the old one.
        Replaced,
        /// Its items are added to those of the old one.
        Added;
    /// Whether the output of a method that succeeded has a `ReturnValue`.
    success: PreferenceSuccess =
        /// 0.
        Zero,
        /// The output is empty.
        EmptyOutput;
}
