//! `StdRegProv`.

super::axes::subject! {
    /// `StdRegProv`.
    RegistryDialect;
    /// An out parameter that has no value.
    absent_out: AbsentOut =
        /// Null.
        Nil,
        /// Left out.
        Omitted;
    /// An out parameter that is a list without items.
    empty_list: EmptyList =
        /// One null element.
        Nil,
        /// Left out.
        Omitted,
        /// One empty element.
        EmptyElement;
    /// What a Get says where the value is not there.
    absent_value: AbsentValue =
        /// 1.
        One,
        /// 2.
        Two;
    /// In which namespaces the class is.
    class_in: ClassIn =
        /// In `root/cimv2` and `root/default`.
        Both,
        /// In `root/default` only.
        DefaultOnly,
        /// In `root/cimv2` only.
        Cimv2Only;
    /// What `DeleteKey` says of a key with subkeys.
    subkeys_refusal: SubkeysRefusal =
        /// 5, access denied.
        AccessDenied,
        /// 145, not empty.
        NotEmpty,
        /// 1020, has children.
        HasChildren,
        /// The status "failed" of WMI.
        WmiFailed;
    /// What a Set does where the key is missing.
    missing_key: MissingKey =
        /// It says 2.
        Refused,
        /// It makes the key.
        Created;
    /// What a Get of another type than the value's says.
    type_mismatch: TypeMismatch =
        /// The status of WMI as `ReturnValue`.
        ReturnValue,
        /// The same number, negative.
        Negative,
        /// A fault with that status.
        Fault;
    /// In which form `SetBinaryValue` takes a value without bytes.
    empty_binary: EmptyBinary =
        /// One null element; nothing at all does as well.
        Nil,
        /// Nothing; a null element is an invalid parameter (87).
        OmittedOnly,
        /// Neither: invalid parameter (87).
        Never;
    /// What `SetMultiStringValue` makes of one empty element.
    empty_multi: EmptyMulti =
        /// A list with one empty text.
        OneEmptyItem,
        /// A list without items.
        NoItem;
    /// In which order `EnumValues` names values.
    order: Order =
        /// As they were first set.
        AsSet,
        /// Sorted by name.
        ByName,
        /// The last one first.
        Reversed;
    /// Where `ReturnValue` stands in an output.
    return_value: ReturnValue =
        /// Sorted in.
        ByName,
        /// First.
        First,
        /// Last.
        Last;
    /// The option `wmi:__ProviderArchitecture` of a request.
    architecture: Architecture =
        /// Has no effect.
        Ignored,
        /// Chooses the view of the registry.
        Honoured;
    /// The hive of the account.
    user_hive: UserHive =
        /// Is there.
        Loaded,
        /// Is not: no key of it is found.
        NotLoaded;
    /// Whether a call counts as an operation of the account for as long as its connection lives.
    calls_count: CallsCount =
        /// It ends with its answer.
        Never,
        /// It does.
        UntilClosed;
}
