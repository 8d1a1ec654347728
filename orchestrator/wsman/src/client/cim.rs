//! CIM reads: WQL queries and single instances.

use wsman_proto::cim::{self, Instance};
use wsman_proto::{Fault, enumerate};

use super::Client;
use super::patience::Patience;
use crate::error::{Error, ErrorKind, Sent};

/// How often an enumeration is begun again that the host has forgotten.
const BEGUN_AGAIN: u32 = 2;

impl Client {
    /// All items of a WQL query in a namespace like `root/cimv2`. Where the host has forgotten the enumeration on the
    /// way, it is begun again: a query only reads.
    pub async fn wql(&mut self, namespace: &str, query: &str) -> Result<Vec<Instance>, Error> {
        for _ in 0..BEGUN_AGAIN {
            match self.enumerated(namespace, query).await {
                Err(error) if error.fault().is_some_and(Fault::is_enumeration_gone) => {
                    tracing::debug!(%error, "the enumeration is begun again");
                }
                result => return result,
            }
        }
        self.enumerated(namespace, query).await
    }

    async fn enumerated(&mut self, namespace: &str, query: &str) -> Result<Vec<Instance>, Error> {
        let limits = self.endpoint().limits;
        let mut items = Vec::new();
        let mut context: Option<String> = None;
        let mut patience = Patience::new(self.session.setup.operation_timeout());
        let before = self.cost().received;
        for _ in 0..=limits.pulls {
            patience.asking();
            let request = match &context {
                None => enumerate::wql(namespace, query),
                Some(context) => enumerate::pull(namespace, context),
            };
            let body = match self.exchange(&request).await {
                Ok(body) => body,
                // Nothing ready in time: the same context again (wsman.md 7.2).
                Err(error) if context.is_some() && error.fault().is_some_and(Fault::is_timeout) => {
                    if let Err(bound) = patience.nothing() {
                        return self.abandon(namespace, context, bound).await;
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            let page = enumerate::page(&body, context.as_deref()).ok_or_else(|| {
                let detail = "the reply is not a page of the enumeration".to_owned();
                Error::new(
                    request.operation,
                    Sent::Unknown,
                    ErrorKind::Protocol(detail),
                )
            })?;
            let news = !page.items.is_empty();
            items.extend(page.items);
            // Few items may be large: what is held is bounded by what was received.
            let received = self.cost().received - before;
            let over = if items.len() > limits.items {
                Some(format!("more than {} items", limits.items))
            } else if received > limits.enumeration {
                Some(format!("more than {} bytes of items", limits.enumeration))
            } else if news || page.next.is_none() {
                patience.news();
                None
            } else {
                patience.nothing().err()
            };
            if let Some(bound) = over {
                return self.abandon(namespace, page.next, bound).await;
            }
            match page.next {
                Some(next) => context = Some(next),
                None => return Ok(items),
            }
        }
        self.abandon(
            namespace,
            context,
            format!("more than {} pulls", limits.pulls),
        )
        .await
    }

    /// One instance of a class, by its key selectors; without selectors a singleton.
    pub async fn instance(
        &mut self,
        namespace: &str,
        class: &str,
        selectors: &[(&str, &str)],
    ) -> Result<Instance, Error> {
        let body = self
            .exchange(&cim::get(namespace, class, selectors))
            .await?;
        cim::instance(&body).ok_or_else(|| {
            Error::new(
                "Get",
                Sent::Unknown,
                ErrorKind::Protocol("the reply has no instance".to_owned()),
            )
        })
    }

    /// Lets the host forget the enumeration (best effort), then reports the bound.
    async fn abandon<T>(
        &mut self,
        namespace: &str,
        context: Option<String>,
        bound: String,
    ) -> Result<T, Error> {
        if let Some(context) = context
            && let Err(error) = self
                .exchange(&enumerate::release(namespace, &context))
                .await
        {
            tracing::debug!(%error, "the enumeration was not released");
        }
        Err(Error::new(
            "Enumerate",
            Sent::NotProcessed,
            ErrorKind::TooLarge(bound),
        ))
    }
}
