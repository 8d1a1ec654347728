"""Namespaces, action and resource URIs of WS-Management as Windows speaks it."""

from __future__ import annotations

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
MS_WSMAN = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
MS_FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
CIM = "http://schemas.dmtf.org/wbem/wscim/1/common"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
IDENTITY = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
XML = "http://www.w3.org/XML/1998/namespace"

ANONYMOUS = ADDRESSING + "/role/anonymous"
WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
SHELL_CMD = SHELL + "/cmd"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
COMMAND_STATE = SHELL + "/CommandState/"
FAULT_DETAIL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/"

FAULT_ACTIONS = {
    WSMAN: "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault",
    ADDRESSING: ADDRESSING + "/fault",
    ENUMERATION: ENUMERATION + "/fault",
    TRANSFER: TRANSFER + "/fault",
    SOAP: "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault",
}

#: Prefixes a Windows host writes, and a set no Windows host writes: a reader must match namespaces, never prefixes.
WINDOWS_PREFIXES = {
    "s": SOAP,
    "a": ADDRESSING,
    "w": WSMAN,
    "p": MS_WSMAN,
    "rsp": SHELL,
    "x": TRANSFER,
    "n": ENUMERATION,
    "f": MS_FAULT,
    "cim": CIM,
    "xsi": XSI,
    "wsmid": IDENTITY,
}
OTHER_PREFIXES = {
    "Soap-Env": SOAP,
    "x1": ADDRESSING,
    "rsp": WSMAN,
    "s": MS_WSMAN,
    "w": SHELL,
    "a": TRANSFER,
    "p": ENUMERATION,
    "q": MS_FAULT,
    "c.im": CIM,
    "xs": XSI,
    "ident": IDENTITY,
}
