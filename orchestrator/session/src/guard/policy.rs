//! The policy of the logon guard as a plain function of what was sent and answered: no clock, no task, no lock.
//!
//! Product promise 8. An account that nobody has proved yet has one logon in flight in the whole run; refusals are
//! counted since the account's last success. The waiting is `guard.rs`'s business.

use std::collections::HashMap;

use super::account::AccountKey;

/// How much a run may spend on a password that may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogonLimits {
    /// Refusals since the account's last success after which no further logon leaves this machine.
    pub refused: u32,
    /// Logons of an account without a success yet that may stay without any answer. They may have been counted by
    /// a domain controller, but they may as well be three broken hosts at the start of a run: hence a bound of its
    /// own, wider than the budget.
    pub unanswered: u32,
}

impl Default for LogonLimits {
    fn default() -> Self {
        Self {
            refused: 3,
            unanswered: 10,
        }
    }
}

/// What became of a logon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepted,
    Refused,
    /// Refused by way of a proxy that may have spoilt it: the password may be right.
    Doubtful,
    None,
    /// It never left.
    Unsent,
}

/// The right to send one logon; handed back with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    account: AccountKey,
    credential: String,
    /// Holds the account's single place.
    careful: bool,
}

/// The reply to a wish to log on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Send(Ticket),
    Wait,
    Deny(Denial),
}

/// Why no logon leaves any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denial {
    #[error(
        "the account '{account}' was refused {count} times in a row{}; no further logon is sent, so that it is not locked out",
        through_proxies(*doubtful)
    )]
    Refused {
        account: String,
        count: u32,
        /// So many of them by way of a proxy.
        doubtful: u32,
    },
    #[error(
        "{count} logons of the account '{account}' got no answer and none succeeded; no further logon is sent"
    )]
    Unanswered { account: String, count: u32 },
}

fn through_proxies(doubtful: u32) -> String {
    match doubtful {
        0 => String::new(),
        some => format!(
            " ({some} of them by way of a proxy in between: one that does not keep connections spoils NTLM, whatever the password)"
        ),
    }
}

#[derive(Debug, Default)]
struct Account {
    refused: u32,
    /// Refusals by way of a proxy since the last success.
    doubtful: u32,
    unanswered: u32,
    careful_in_flight: bool,
    denial: Option<Denial>,
}

/// One password of an account. Two credentials may name the same account with different passwords; a success of
/// the one proves nothing about the other.
#[derive(Debug, Default)]
struct Password {
    proved: bool,
    refused: u32,
}

/// The counts of a run.
#[derive(Debug)]
pub(crate) struct Policy {
    limits: LogonLimits,
    accounts: HashMap<AccountKey, Account>,
    passwords: HashMap<(AccountKey, String), Password>,
}

impl Policy {
    pub(crate) fn new(limits: LogonLimits) -> Self {
        Self {
            limits,
            accounts: HashMap::new(),
            passwords: HashMap::new(),
        }
    }

    /// Asks for the right to send one logon.
    ///
    /// INVARIANT: at most one logon of an account is in flight while its password is unproved or its last answer
    /// was a refusal, so the budget cannot be overrun by logons that are under way.
    pub(crate) fn admit(&mut self, account: &AccountKey, credential: &str) -> Verdict {
        let state = self.accounts.entry(account.clone()).or_default();
        if let Some(denial) = &state.denial {
            return Verdict::Deny(denial.clone());
        }
        let proved = self
            .passwords
            .get(&(account.clone(), credential.to_owned()))
            .is_some_and(|password| password.proved);
        let careful = !proved || state.refused > 0 || state.doubtful > 0;
        if careful && state.careful_in_flight {
            return Verdict::Wait;
        }
        state.careful_in_flight |= careful;
        Verdict::Send(Ticket {
            account: account.clone(),
            credential: credential.to_owned(),
            careful,
        })
    }

    /// Takes a ticket back.
    pub(crate) fn settle(&mut self, ticket: Ticket, answer: Answer) {
        let state = self.accounts.entry(ticket.account.clone()).or_default();
        let password = self
            .passwords
            .entry((ticket.account.clone(), ticket.credential))
            .or_default();
        if ticket.careful {
            state.careful_in_flight = false;
        }
        match answer {
            Answer::Accepted => {
                state.refused = 0;
                state.doubtful = 0;
                state.unanswered = 0;
                *password = Password {
                    proved: true,
                    refused: 0,
                };
            }
            Answer::Refused => {
                state.refused += 1;
                password.refused += 1;
            }
            Answer::Doubtful => {
                state.doubtful += 1;
                // A password that was right in this run is not doubted for a proxy; one that nobody proved may be wrong.
                if !password.proved {
                    state.refused += 1;
                    password.refused += 1;
                }
            }
            Answer::None if !password.proved => state.unanswered += 1,
            Answer::None | Answer::Unsent => {}
        }
        let count = state.refused.max(password.refused);
        let account = || ticket.account.to_string();
        // Once denied, always denied: a late success of another logon does not reopen the account.
        if state.denial.is_none() {
            let doubtful = state.doubtful;
            if count >= self.limits.refused || doubtful >= self.limits.unanswered {
                state.denial = Some(Denial::Refused {
                    account: account(),
                    count: count.max(doubtful),
                    doubtful,
                });
            } else if state.unanswered >= self.limits.unanswered {
                state.denial = Some(Denial::Unanswered {
                    account: account(),
                    count: state.unanswered,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::BareName;
    use super::*;

    fn policy() -> Policy {
        Policy::new(LogonLimits::default())
    }

    fn domain() -> AccountKey {
        AccountKey::new(r"CORP\svc", "pc-1", BareName::Either)
    }

    #[track_caller]
    fn send(policy: &mut Policy, account: &AccountKey) -> Ticket {
        match policy.admit(account, "c") {
            Verdict::Send(ticket) => ticket,
            other => panic!("expected a ticket, got {other:?}"),
        }
    }

    #[test]
    fn an_unproved_account_has_one_logon_in_flight() {
        let mut policy = policy();
        let ticket = send(&mut policy, &domain());
        assert_eq!(policy.admit(&domain(), "c"), Verdict::Wait);
        assert_eq!(policy.admit(&domain(), "another password"), Verdict::Wait);
        policy.settle(ticket, Answer::Accepted);
        send(&mut policy, &domain());
        send(&mut policy, &domain());
    }

    #[test]
    fn three_refusals_in_a_row_deny_for_good() {
        let mut policy = policy();
        let early = {
            let ticket = send(&mut policy, &domain());
            policy.settle(ticket, Answer::Accepted);
            send(&mut policy, &domain())
        };
        for _ in 0..3 {
            let ticket = send(&mut policy, &domain());
            policy.settle(ticket, Answer::Refused);
        }
        let denied = Verdict::Deny(Denial::Refused {
            account: r"corp\svc".into(),
            count: 3,
            doubtful: 0,
        });
        assert_eq!(policy.admit(&domain(), "c"), denied);
        policy.settle(early, Answer::Accepted);
        assert_eq!(policy.admit(&domain(), "c"), denied);
    }

    #[test]
    fn a_refusal_by_way_of_a_proxy_counts_until_the_password_is_proved() {
        let mut policy = policy();
        for _ in 0..3 {
            let ticket = send(&mut policy, &domain());
            policy.settle(ticket, Answer::Doubtful);
        }
        let Verdict::Deny(denial) = policy.admit(&domain(), "c") else {
            panic!("a password that may be wrong was sent a fourth time")
        };
        assert!(denial.to_string().contains("3 of them by way of a proxy"));
    }

    #[test]
    fn a_proxy_does_not_make_a_proved_password_wrong_but_is_no_way_around_the_guard() {
        let mut policy = policy();
        let ticket = send(&mut policy, &domain());
        policy.settle(ticket, Answer::Accepted);
        for number in 0..LogonLimits::default().unanswered {
            let ticket = send(&mut policy, &domain());
            if number > 0 {
                assert_eq!(policy.admit(&domain(), "c"), Verdict::Wait, "one by one");
            }
            policy.settle(ticket, Answer::Doubtful);
        }
        assert!(matches!(policy.admit(&domain(), "c"), Verdict::Deny(_)));
    }

    #[test]
    fn a_success_between_refusals_starts_the_count_again() {
        let mut policy = policy();
        for _ in 0..10 {
            for answer in [Answer::Refused, Answer::Refused, Answer::Accepted] {
                let ticket = send(&mut policy, &domain());
                policy.settle(ticket, answer);
            }
        }
    }

    #[test]
    fn after_a_refusal_even_a_proved_account_goes_one_by_one() {
        let mut policy = policy();
        let ticket = send(&mut policy, &domain());
        policy.settle(ticket, Answer::Accepted);
        let first = send(&mut policy, &domain());
        policy.settle(first, Answer::Refused);
        let second = send(&mut policy, &domain());
        assert_eq!(policy.admit(&domain(), "c"), Verdict::Wait);
        policy.settle(second, Answer::Accepted);
        send(&mut policy, &domain());
        send(&mut policy, &domain());
    }

    #[test]
    fn a_second_wrong_password_of_a_proved_account_has_its_own_budget() {
        let mut policy = policy();
        for _ in 0..3 {
            let ticket = send(&mut policy, &domain());
            policy.settle(ticket, Answer::Accepted);
            let Verdict::Send(wrong) = policy.admit(&domain(), "wrong") else {
                panic!("denied")
            };
            policy.settle(wrong, Answer::Refused);
        }
        assert!(matches!(policy.admit(&domain(), "wrong"), Verdict::Deny(_)));
    }

    #[test]
    fn local_accounts_count_per_host() {
        let mut policy = policy();
        for host in ["pc-1", "pc-2"] {
            let account = AccountKey::new(r".\admin", host, BareName::Either);
            for _ in 0..3 {
                let ticket = send(&mut policy, &account);
                policy.settle(ticket, Answer::Refused);
            }
            assert!(matches!(policy.admit(&account, "c"), Verdict::Deny(_)));
        }
    }

    #[test]
    fn unanswered_logons_of_an_unproved_account_are_bounded() {
        let mut policy = policy();
        for _ in 0..10 {
            let ticket = send(&mut policy, &domain());
            policy.settle(ticket, Answer::None);
        }
        let denied = Denial::Unanswered {
            account: r"corp\svc".into(),
            count: 10,
        };
        assert_eq!(policy.admit(&domain(), "c"), Verdict::Deny(denied));
    }

    #[test]
    fn unanswered_logons_of_a_proved_account_are_not() {
        let mut policy = policy();
        let ticket = send(&mut policy, &domain());
        policy.settle(ticket, Answer::Accepted);
        for _ in 0..50 {
            let ticket = send(&mut policy, &domain());
            policy.settle(ticket, Answer::None);
        }
        send(&mut policy, &domain());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Ask(u8),
        Answer { pick: usize, lost: bool },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0..2_u8).prop_map(Step::Ask),
            (any::<usize>(), proptest::bool::weighted(0.2))
                .prop_map(|(pick, lost)| Step::Answer { pick, lost }),
        ];
        proptest::collection::vec(step, 1..300)
    }

    proptest! {
        /// However asking and answering interleave: a wrong password leaves at most as often as the budget says,
        /// plus the logons that nobody answered. Two credentials of the account share that budget.
        #[test]
        fn a_wrong_password_is_sent_at_most_budget_times(
            steps in steps(), refused in 1..6_u32, unanswered in 1..12_u32,
        ) {
            let mut policy = Policy::new(LogonLimits { refused, unanswered });
            let (mut flying, mut sent, mut lost) = (Vec::new(), 0, 0);
            for step in steps {
                match step {
                    Step::Ask(credential) => {
                        if let Verdict::Send(ticket) = policy.admit(&domain(), &credential.to_string()) {
                            sent += 1;
                            flying.push(ticket);
                        }
                    }
                    Step::Answer { pick, lost: none } if !flying.is_empty() => {
                        let ticket = flying.swap_remove(pick % flying.len());
                        lost += u32::from(none);
                        policy.settle(ticket, if none { Answer::None } else { Answer::Refused });
                    }
                    Step::Answer { .. } => {}
                }
                prop_assert!(flying.len() <= 1, "two logons of an unproved account in flight");
                prop_assert!(sent - lost <= refused, "{sent} sent, {lost} unanswered, budget {refused}");
                prop_assert!(lost <= unanswered);
            }
        }

        /// A password that becomes wrong in mid-run: what leaves after the first refusal stays in the budget.
        #[test]
        fn a_password_changed_in_mid_run_is_bounded_too(parallel in 1..40_usize, asks in 1..100_usize) {
            let mut policy = policy();
            let ticket = send(&mut policy, &domain());
            policy.settle(ticket, Answer::Accepted);
            let flying: Vec<_> = (0..parallel).map(|_| send(&mut policy, &domain())).collect();
            let mut flying = flying.into_iter();
            policy.settle(flying.next().expect("one at least"), Answer::Refused);
            let mut sent_later = 0;
            for _ in 0..asks {
                if let Verdict::Send(ticket) = policy.admit(&domain(), "c") {
                    sent_later += 1;
                    policy.settle(ticket, Answer::Refused);
                }
                if let Some(ticket) = flying.next() {
                    policy.settle(ticket, Answer::Refused);
                }
            }
            prop_assert!(sent_later <= 2);
        }
    }
}
