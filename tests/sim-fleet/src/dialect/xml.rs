//! How an envelope is written down.

super::axes::subject! {
    /// How an envelope is written down.
    XmlDialect;
    /// Namespace prefixes.
    prefixes: Prefixes =
        /// Those that Windows uses.
        Windows,
        /// `ns1`, `ns2` and so on, declared where they are first needed.
        Numbered,
        /// None: each element declares its namespace as the default one where it differs from its parent's.
        Default,
        /// Those that Windows uses, bound to other namespaces.
        Crosswise;
    /// What stands between elements.
    layout: Layout =
        /// Nothing.
        Compact,
        /// Line ends and blanks.
        Indented,
        /// Comments and processing instructions.
        Comments;
    /// How text is written.
    text: TextForm =
        /// As it is, with entities.
        Entities,
        /// In CDATA sections where that is possible.
        Cdata,
        /// The first character as a numeric reference.
        References;
    /// What stands before the root element.
    declaration: Declaration =
        /// Nothing.
        None,
        /// `<?xml ...?>`.
        Utf8;
    /// Which elements carry `xsi:type`.
    types: Types =
        /// Instances and CIM errors.
        Instances,
        /// The output of methods as well.
        OutputsToo,
        /// None.
        Nowhere;
    /// Letter case of the ids that the host makes up for messages.
    message_ids: MessageIds =
        /// Capitals.
        Upper,
        /// Small letters.
        Lower;
    /// Letter case of the request's id in `RelatesTo`.
    relates_to: RelatesTo =
        /// As it came.
        AsSent,
        /// Small letters.
        Lower;
    /// Headers of a reply that not every host sends.
    activity_id: ActivityId =
        /// There, but for old hosts.
        Present,
        /// Not there.
        Absent;
}
