//! Faults: their codes, subcodes and both shapes of detail (reference 7).

use super::uri;
use super::xml::{element, escape, text, with};
use crate::dialect::{CodePlace, Detail, FaultDialect, ReasonLanguage};
use crate::spec::Language;

/// A fault on its way out.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) code: u32,
    subcode: &'static str,
    /// `s:Sender` or `s:Receiver`.
    sender: bool,
    detail: Option<&'static str>,
    provider: Option<(&'static str, &'static str)>,
    /// `StatusCode` of WMI's extended status.
    wmi_status: Option<u32>,
    /// `CIMStatusCode`: the fault comes as `MSFT_WmiError`.
    cim_status: Option<u32>,
}

pub(crate) const TIMED_OUT: u32 = 2_150_858_793;
pub(crate) const NO_SUCH: u32 = 2_150_858_843;
pub(crate) const BAD_HEADER: u32 = 2_150_858_767;
pub(crate) const BAD_PARAMETER: u32 = 2_150_858_810;
pub(crate) const BAD_XML: u32 = 2_150_858_819;
pub(crate) const NO_ACTION: u32 = 2_150_858_753;
pub(crate) const NO_RESOURCE: u32 = 2_150_858_811;
pub(crate) const NOT_FOUND: u32 = 2_150_858_752;
pub(crate) const BAD_SCHEMA: u32 = 2_150_858_817;

const SHELL_PLUGIN: (&str, &str) = ("Shell cmd plugin", r"%systemroot%\system32\winrscmd.dll");
const WMI_PROVIDER: (&str, &str) = ("WMI Provider", r"%systemroot%\system32\WsmWmiPl.dll");

impl Fault {
    /// The fault of a code, with what belongs to it.
    pub(crate) fn new(code: u32) -> Self {
        let (subcode, sender, detail) = match code {
            5 => ("w:AccessDenied", true, None),
            50 => ("w:UnsupportedFeature", true, None),
            87 => ("w:InvalidParameter", true, Some("InvalidValue")),
            170 => ("w:Concurrency", true, None),
            NO_ACTION => ("a:ActionNotSupported", true, None),
            BAD_HEADER => ("a:InvalidMessageInformationHeader", true, None),
            2_150_858_768 => ("s:MustUnderstand", true, None),
            2_150_858_769 => ("a:MessageInformationHeaderRequired", true, None),
            NOT_FOUND | NO_RESOURCE => {
                ("a:DestinationUnreachable", true, Some("InvalidResourceURI"))
            }
            2_150_858_776 | 2_150_858_777 => ("n:FilterDialectRequestedUnavailable", true, None),
            2_150_858_778 => ("n:CannotProcessFilter", true, None),
            2_150_858_779 => ("n:InvalidEnumerationContext", false, None),
            2_150_858_790 => ("w:EncodingLimit", false, Some("MaxEnvelopeSizeExceeded")),
            TIMED_OUT => ("w:TimedOut", false, None),
            2_150_858_805 => ("w:EncodingLimit", true, Some("MinimumEnvelopeLimit")),
            2_150_858_809 => ("w:InvalidOptions", true, Some("NotSupported")),
            BAD_PARAMETER => ("w:InvalidParameter", true, Some("InvalidName")),
            2_150_858_842 => ("w:InvalidSelectors", true, Some("InsufficientSelectors")),
            NO_SUCH => ("w:InvalidSelectors", true, Some("UnexpectedSelectors")),
            2_150_858_847 => ("w:InvalidSelectors", true, Some("DuplicateSelectors")),
            BAD_SCHEMA | BAD_XML | 2_150_858_791 => ("w:SchemaValidationError", true, None),
            2_150_858_818 => ("w:UnsupportedFeature", true, None),
            2_150_858_855 => ("w:UnsupportedFeature", true, Some("Locale")),
            2_150_858_870 => ("w:UnsupportedFeature", true, Some("AddressingMode")),
            2_150_859_173..=2_150_859_179 => ("w:QuotaLimit", false, None),
            _ => ("w:InternalError", false, None),
        };
        Self {
            code,
            subcode,
            sender,
            detail,
            provider: None,
            wmi_status: None,
            cim_status: None,
        }
    }

    /// Raised by the shell's plug-in.
    pub(crate) fn shell(code: u32) -> Self {
        Self {
            provider: Some(SHELL_PLUGIN),
            ..Self::new(code)
        }
    }

    /// Raised by WMI, with its status.
    pub(crate) fn wmi(code: u32, status: u32) -> Self {
        Self {
            provider: Some(WMI_PROVIDER),
            wmi_status: Some(status),
            ..Self::new(code)
        }
    }

    /// As `MSFT_WmiError`, the shape newer hosts use for quotas.
    pub(crate) fn into_wmi_error(mut self, cim_status: u32) -> Self {
        self.cim_status = Some(cim_status);
        self
    }

    /// The fault's action.
    pub(crate) fn action(&self) -> String {
        match self.subcode.split(':').next() {
            Some("a" | "s") => format!("{}/fault", uri::A),
            Some("n") => format!("{}/fault", uri::N),
            _ => "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault".into(),
        }
    }

    /// With the detail that this dialect gives faults of WMI and of quotas.
    pub(crate) fn in_dialect(mut self, dialect: FaultDialect) -> Self {
        let quota = matches!(self.code, 2_150_859_173..=2_150_859_179);
        match dialect.detail {
            Detail::Usual => {}
            Detail::WsmanFault => self.cim_status = None,
            _ if quota => self.cim_status = self.cim_status.or(Some(27)),
            _ => self.cim_status = self.cim_status.or(self.wmi_status.map(cim_status)),
        }
        self
    }

    /// The body.
    pub(crate) fn body(&self, machine: &str, language: Language, dialect: FaultDialect) -> String {
        let value = if self.sender {
            "s:Sender"
        } else {
            "s:Receiver"
        };
        let code = if self.subcode == "s:MustUnderstand" {
            element("s:Code", &text("s:Value", self.subcode))
        } else {
            element(
                "s:Code",
                &(text("s:Value", value) + &element("s:Subcode", &text("s:Value", self.subcode))),
            )
        };
        let message = reason(self.code, language);
        let (tag, ending) = match dialect.reason_language {
            ReasonLanguage::Named => (language.tag(), ""),
            ReasonLanguage::Empty => ("", " \r\n"),
        };
        let reason = element(
            "s:Reason",
            &format!(
                "<s:Text xml:lang=\"{tag}\">{}{}</s:Text>",
                escape(&message),
                escape(ending)
            ),
        );
        let detail = match self.cim_status {
            Some(status) => self.wmi_error(status, &message, dialect),
            None => self.wsman_fault(machine, &message),
        };
        element(
            "s:Fault",
            &format!("{code}{reason}{}", element("s:Detail", &detail)),
        )
    }

    fn wsman_fault(&self, machine: &str, message: &str) -> String {
        let mut inner = escape(message);
        if let Some((provider, path)) = self.provider {
            let nested = match self.wmi_status {
                Some(status) => extended(status, message),
                None => with(
                    "f:WSManFault",
                    &[
                        (
                            "xmlns:f",
                            "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
                        ),
                        ("Code", &self.code.to_string()),
                        ("Machine", machine),
                    ],
                    &element("f:Message", &inner),
                ),
            };
            inner = with(
                "f:ProviderFault",
                &[("provider", provider), ("path", path)],
                &nested,
            );
        }
        let detail = self.detail.map(|name| {
            text(
                "w:FaultDetail",
                &format!("http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/{name}"),
            )
        });
        detail.unwrap_or_default()
            + &with(
                "f:WSManFault",
                &[
                    (
                        "xmlns:f",
                        "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
                    ),
                    ("Code", &self.code.to_string()),
                    ("Machine", machine),
                ],
                &element("f:Message", &inner),
            )
    }

    fn wmi_error(&self, status: u32, message: &str, dialect: FaultDialect) -> String {
        let typed = |name: &str, kind: &str, value: &str| {
            format!(
                "<p:{name} xsi:type=\"cim:{kind}\">{}</p:{name}>",
                escape(value)
            )
        };
        let nil = |name: &str| format!("<p:{name} xsi:nil=\"true\"/>");
        let namespace = match dialect.detail {
            Detail::WmiErrorOfStorage => {
                "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/microsoft/windows/storage/MSFT_WmiError"
            }
            Detail::WmiErrorOfStandardCim => {
                "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/standardcimv2/MSFT_WmiError"
            }
            _ => "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError",
        };
        let inner = [
            typed("CIMStatusCode", "cimUnsignedInt", &status.to_string()),
            nil("CIMStatusCodeDescription"),
            nil("ErrorSource"),
            typed("Message", "cimString", message),
            typed(
                "MessageID",
                "cimString",
                &format!("HRESULT 0x{:x}", self.wmi_status.unwrap_or(self.code)),
            ),
            typed("OwningEntity", "cimString", ""),
            typed("error_Category", "cimUnsignedInt", "30"),
            match dialect.code {
                CodePlace::Both => typed("error_Code", "cimUnsignedInt", &self.code.to_string()),
                CodePlace::MessageIdOnly => nil("error_Code"),
            },
            typed("error_Type", "cimString", "HRESULT"),
            typed("error_WindowsErrorMessage", "cimString", message),
        ];
        with(
            "p:MSFT_WmiError",
            &[
                ("b:IsCIM_Error", "true"),
                ("xsi:type", "p:MSFT_WmiError_Type"),
                ("xmlns:p", namespace),
                (
                    "xmlns:b",
                    "http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd",
                ),
                ("xmlns:cim", uri::CIM),
                ("xmlns:xsi", uri::XSI),
            ],
            &inner.concat(),
        )
    }
}

/// `CIMStatusCode` of a status of WMI.
fn cim_status(status: u32) -> u32 {
    match status {
        0x8004_1002 => 6,
        0x8004_1003 => 2,
        0x8004_1008 => 4,
        0x8004_100E => 3,
        0x8004_1010 => 5,
        _ => 1,
    }
}

fn extended(status: u32, message: &str) -> String {
    let inner = text("p:Description", message) + &text("p:StatusCode", &status.to_string());
    let record = with(
        "p:__ExtendedStatus",
        &[(
            "xmlns:p",
            "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/__ExtendedStatus",
        )],
        &inner,
    );
    element("f:ExtendedError", &record)
}

/// What a person would read. Wording of our own; only the code is meant for programs.
fn reason(code: u32, language: Language) -> String {
    let texts = match code {
        5 => [
            "Access is denied. ",
            "Zugriff verweigert. ",
            "アクセスが拒否されました。 ",
        ],
        TIMED_OUT => [
            "The operation did not complete within its timeout. ",
            "Der Vorgang wurde nicht innerhalb des Zeitlimits abgeschlossen. ",
            "操作はタイムアウト時間内に完了しませんでした。 ",
        ],
        NO_SUCH => [
            "The selectors name nothing that exists. The shell or command may be gone. ",
            "Die Selektoren bezeichnen nichts Vorhandenes. Die Shell wurde nicht gefunden. ",
            "セレクターに一致するリソースがありません。 ",
        ],
        2_150_859_173..=2_150_859_179 => [
            "The request exceeds a quota of this user or system. ",
            "Die Anforderung überschreitet ein Kontingent. ",
            "要求がクォータを超えています。 ",
        ],
        _ => [
            "The service cannot process the request. ",
            "Der Dienst kann die Anforderung nicht verarbeiten. ",
            "サービスは要求を処理できません。 ",
        ],
    };
    texts[language as usize].into()
}

impl Language {
    /// As `xml:lang` says it.
    pub(crate) fn tag(self) -> &'static str {
        ["en-US", "de-DE", "ja-JP"][self as usize]
    }
}
