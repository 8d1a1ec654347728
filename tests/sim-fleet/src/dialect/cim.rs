//! Instances and their enumeration.

super::axes::subject! {
    /// Instances and their enumeration.
    CimDialect;
    /// A property without a value.
    null: NullProperty =
        /// Null.
        Nil,
        /// Left out.
        Omitted;
    /// A property that is a list without items.
    empty_list: EmptyArray =
        /// One null element.
        Nil,
        /// Left out.
        Omitted,
        /// One empty element.
        EmptyElement;
    /// What the first reply to an optimised Enumerate brings.
    first_page: FirstPage =
        /// One item, where there are any.
        OneItem,
        /// No item, only a context.
        Nothing,
        /// All items that fit.
        Everything;
    /// What a reply to Pull brings.
    pages: Pages =
        /// As much as fits.
        Full,
        /// One item.
        OneItem,
        /// Nothing each second time.
        EmptyBetween;
    /// The context of an enumeration that goes on.
    context: Context =
        /// A new one with each reply.
        Changing,
        /// The same one with each reply.
        Constant,
        /// The same one, left out after the first reply.
        LeftOut;
    /// The context where the enumeration is over.
    end_context: EndContext =
        /// An empty element in the first reply, none later.
        Usual,
        /// Never there.
        Absent,
        /// Null.
        Nil;
    /// Namespaces of `Items` and `EndOfSequence`.
    namespaces: Namespaces =
        /// That of WS-Management in the first reply, that of WS-Enumeration later.
        Usual,
        /// Always that of WS-Enumeration.
        Enumeration,
        /// Always that of WS-Management.
        Management;
    /// Whether the first Pull ends with the operation's timeout.
    first_pull: FirstPull =
        /// It is answered.
        Answered,
        /// It ends so, at once.
        TimesOut;
}
