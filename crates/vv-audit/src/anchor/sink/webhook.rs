use vv_outbound::{Outbound, SIGNATURE_HEADER, WebhookSecret, sign_webhook};

use super::{Outgoing, SinkFailure};
use crate::audit::Audit;
use crate::error::AuditError;

impl Audit {
    pub(super) async fn offer_to_webhook(
        &self,
        url: &str,
        secret: &WebhookSecret,
        outgoing: &Outgoing,
    ) -> Result<String, SinkFailure> {
        let outbound = self.outbound()?;
        let url = outbound.url(url).map_err(vv_outbound::OutboundError::Url)?;
        let body = outgoing.note.clone().into_bytes();
        let signature = sign_webhook(secret, outgoing.at, &body);
        let headers = [
            ("content-type", "text/plain; charset=utf-8"),
            (SIGNATURE_HEADER, signature.as_str()),
        ];
        let response = outbound.post(&url, &headers, body).await?;
        if !response.is_success() {
            return Err(SinkFailure::Status(response.status()));
        }
        Ok(outgoing.note.clone())
    }

    pub(super) fn outbound(&self) -> Result<&Outbound, AuditError> {
        let missing = "anchor sinks with an address need the client for outbound calls";
        let outbound = self.inner.settings.anchor.outbound.as_ref();
        outbound.ok_or(AuditError::Setting(missing))
    }
}
