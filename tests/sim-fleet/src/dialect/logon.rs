//! Tokens, challenges, and bodies that stand beside them.

super::axes::subject! {
    /// Tokens, challenges, and bodies that stand beside them.
    LogonDialect;
    /// In which form NTLM is taken under `Negotiate`.
    ntlm: NtlmForm =
        /// As it is and inside SPNEGO.
        Both,
        /// Inside SPNEGO gives a bare 401.
        RawOnly,
        /// As it is gives a bare 401.
        SpnegoOnly,
        /// A raw Type 1 is answered in SPNEGO, and nothing but SPNEGO is taken from then on.
        AnswersInSpnego;
    /// What becomes of a body that comes with the last token.
    last_token_body: LastTokenBody =
        /// It is carried out.
        Served,
        /// The token is judged, the body is not looked at; the answer is an empty 200.
        Ignored,
        /// A sealed one gives 400.
        Refused;
    /// What becomes of the connection after a 401 without a token.
    bare_challenge: BareChallenge =
        /// It stays.
        KeptOpen,
        /// `Connection: close`.
        Closed;
    /// How the schemes of a challenge are written.
    schemes: Schemes =
        /// A line for each.
        Separate,
        /// One line, joined by commas.
        Joined,
        /// Basic before Negotiate.
        BasicFirst,
        /// In small letters.
        LowerCase;
    /// The answer to a body in clear where sealing is needed.
    body_in_clear: BodyInClear =
        /// An empty 500.
        InternalError,
        /// 401 with the challenge.
        Unauthorized;
    /// The answer to a sealed body on a connection that nobody has logged on to.
    sealed_elsewhere: SealedElsewhere =
        /// 400.
        BadRequest,
        /// 401 with the challenge.
        Unauthorized;
    /// With which sequence number the answer to a Kerberos token is sealed.
    kerberos_answer: KerberosAnswer =
        /// The acceptor's own first number.
        OwnSequence,
        /// Zero.
        SequenceZero;
}
