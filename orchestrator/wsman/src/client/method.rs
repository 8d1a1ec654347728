//! Static methods of WMI classes other than `StdRegProv`.

use wsman_proto::method::{self, Parameters};

use super::Client;
use super::registry::done;
use crate::error::Error;

impl Client {
    /// Calls a static method, and takes any other `ReturnValue` than zero for a refusal. It runs at most once: when
    /// contact is lost the error is [`crate::Sent::Unknown`].
    pub async fn call(
        &mut self,
        namespace: &str,
        class: &str,
        method: &'static str,
        parameters: &Parameters<'_>,
    ) -> Result<(), Error> {
        let request = method::call(namespace, class, method, parameters);
        let body = self.exchange(&request).await?;
        done(method, method::done(method, &body))
    }
}
