//! How a subject of a dialect is declared: axes, each with the form that recordings of Windows show (or, where there is
//! none, the likeliest) and the other ones.

use super::Dice;

/// The name of a form as YAML writes it.
pub(super) fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (index, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && index > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// One of the other forms, in one of three draws.
pub(super) fn form<T: Copy + Default>(dice: &mut Dice, others: &[T]) -> T {
    if dice.roll(3) != 0 || others.is_empty() {
        return T::default();
    }
    others[dice.roll(others.len() as u64) as usize]
}

/// Declares a subject: a struct with one field for each axis, and one enum for each axis.
macro_rules! subject {
    (
        $(#[$about:meta])*
        $subject:ident;
        $(
            $(#[$axis_about:meta])*
            $field:ident: $axis:ident =
                $(#[$usual_about:meta])* $usual:ident
                $(, $(#[$form_about:meta])* $form:ident)+;
        )+
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $subject {
            $( $(#[$axis_about])* pub $field: $axis, )+
        }

        $(
            $(#[$axis_about])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
            #[serde(rename_all = "snake_case")]
            pub enum $axis {
                $(#[$usual_about])*
                #[default]
                $usual,
                $( $(#[$form_about])* $form, )+
            }
        )+

        impl $subject {
            /// Every form but the usual ones, each alone.
            pub(super) fn alone() -> Vec<Self> {
                let mut found = Vec::new();
                $(
                    for form in [$($axis::$form),+] {
                        found.push(Self { $field: form, ..Self::default() });
                    }
                )+
                found
            }

            /// Some forms.
            pub(super) fn drawn(dice: &mut $crate::dialect::Dice) -> Self {
                Self {
                    $( $field: $crate::dialect::axes::form(dice, &[$($axis::$form),+]), )+
                }
            }

            /// The axes with another form than the usual one, as `axis: form`.
            pub(super) fn words(&self) -> Vec<String> {
                let mut found = Vec::new();
                $(
                    if self.$field != $axis::default() {
                        let form = $crate::dialect::axes::snake(&format!("{:?}", self.$field));
                        found.push(format!("{}: {form}", stringify!($field)));
                    }
                )+
                found
            }
        }
    };
}

pub(super) use subject;
