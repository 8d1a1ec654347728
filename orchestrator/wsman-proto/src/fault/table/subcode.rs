//! SOAP subcodes, for faults without any number.

use super::Alias;

const fn row(word: &'static str, code: u32) -> Alias<&'static str> {
    Alias { word, code }
}

pub(super) const TABLE: &[Alias<&str>] = &[
    row("AccessDenied", 5),
    row("ActionNotSupported", 2_150_858_771),
    row("CannotProcessFilter", 2_150_858_778),
    row("Concurrency", 2_150_858_802),
    row("DestinationUnreachable", 2_150_858_770),
    row("EncodingLimit", 2_150_858_805),
    row("EndpointUnavailable", 2_150_858_772),
    row("FilterDialectRequestedUnavailable", 2_150_858_777),
    row("FilteringNotSupported", 2_150_858_776),
    row("InvalidEnumerationContext", 2_150_858_779),
    row("InvalidMessageInformationHeader", 2_150_858_767),
    row("InvalidOptions", 2_150_858_809),
    row("InvalidParameter", 2_150_858_810),
    row("InvalidResourceURI", 2_150_858_811),
    row("InvalidSelectors", 2_150_858_813),
    row("MessageInformationHeaderRequired", 2_150_858_769),
    row("MustUnderstand", 2_150_858_768),
    row("QuotaLimit", 2_150_858_815),
    row("SchemaValidationError", 2_150_858_817),
    row("TimedOut", 2_150_858_793),
    row("UnsupportedFeature", 2_150_858_818),
];
