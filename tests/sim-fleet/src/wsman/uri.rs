//! Namespaces, actions and resources (reference 2.1, 3, 4).

pub(crate) const S: &str = "http://www.w3.org/2003/05/soap-envelope";
pub(crate) const A: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
pub(crate) const W: &str = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd";
pub(crate) const P: &str = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd";
pub(crate) const RSP: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell";
pub(crate) const N: &str = "http://schemas.xmlsoap.org/ws/2004/09/enumeration";
pub(crate) const X: &str = "http://schemas.xmlsoap.org/ws/2004/09/transfer";
pub(crate) const E: &str = "http://schemas.xmlsoap.org/ws/2004/08/eventing";
pub(crate) const XML: &str = "http://www.w3.org/XML/1998/namespace";
pub(crate) const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
pub(crate) const CIM: &str = "http://schemas.dmtf.org/wbem/wscim/1/common";
pub(crate) const IDENTITY: &str = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd";
pub(crate) const ANONYMOUS: &str =
    "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous";
pub(crate) const WMI: &str = "http://schemas.microsoft.com/wbem/wsman/1/wmi/";
pub(crate) const WQL: &str = "http://schemas.microsoft.com/wbem/wsman/1/WQL";
pub(crate) const SELECTOR_FILTER: &str =
    "http://schemas.dmtf.org/wbem/wsman/1/wsman/SelectorFilter";
pub(crate) const SHELLS: &str = RSP;
pub(crate) const CMD_SHELL: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd";
