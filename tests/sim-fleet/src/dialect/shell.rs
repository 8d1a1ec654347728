//! The cmd shell.

super::axes::subject! {
    /// The cmd shell.
    ShellDialect;
    /// The empty Streams with `End`.
    end_streams: EndStreams =
        /// In the reply with `Done`.
        WithDone,
        /// In a reply of their own before it.
        Before,
        /// Nowhere.
        Never;
    /// Which reply says `Done`.
    done: Done =
        /// That with the last output.
        WithOutput,
        /// One of its own.
        Alone;
    /// The exit code.
    exit_code: ExitCode =
        /// With `Done`, unsigned.
        Unsigned,
        /// With `Done`; above 2^31 negative.
        Signed,
        /// A meaningless 0 with `Running`, the true one with `Done`.
        WithRunningToo;
    /// The first Receive of a command.
    first_receive: FirstReceive =
        /// Waits for something to say.
        Waits,
        /// Ends with the operation's timeout, at once.
        TimesOut,
        /// Says `Running` and nothing else, at once.
        Empty;
    /// The Streams of output.
    streams: Streams =
        /// One for each piece.
        Plain,
        /// Empty ones in between.
        EmptyBetween,
        /// The text is broken into lines.
        BrokenLines;
    /// The `CommandState` of a reply that is not the last.
    running: Running =
        /// `Running`.
        Named,
        /// Left out.
        LeftOut;
    /// How a Send is answered.
    send: SendAnswer =
        /// As it went.
        Answered,
        /// By the operation's timeout, although the bytes were taken.
        TimesOut;
    /// How the host writes ids of shells and commands.
    ids: Ids =
        /// Capitals.
        Upper,
        /// Small letters.
        Lower,
        /// Capitals behind `uuid:`.
        Prefixed;
    /// A Command while another one runs in the shell.
    second_command: SecondCommand =
        /// Is refused.
        Refused,
        /// Is started.
        Started;
    /// When a command is forgotten.
    forgets: Forgets =
        /// After its Signal.
        Signalled,
        /// As soon as `Done` was delivered.
        Delivered;
    /// A Signal for a command that is forgotten.
    late_signal: LateSignal =
        /// Is a fault.
        Fault,
        /// Succeeds.
        Success;
    /// An idle time that is out of range.
    idle_time: IdleTime =
        /// Is brought into range.
        Clamped,
        /// Is a fault.
        Fault;
    /// The option `WINRS_CONSOLEMODE_STDIN`.
    console_options: ConsoleOptions =
        /// Has no effect.
        Ignored,
        /// Where it is true, the end of the input does not reach the program.
        Honoured;
    /// What `CreateResponse` holds.
    created: Created =
        /// Reference and shell.
        Both,
        /// The reference.
        ReferenceOnly,
        /// The shell.
        ShellOnly;
    /// How a program ends that gets no memory.
    no_memory: NoMemory =
        /// With 0xC0000017.
        StatusNoMemory,
        /// With 0xC000012D.
        CommitmentLimit,
        /// With 1.
        One;
}
