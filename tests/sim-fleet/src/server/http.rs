//! HTTP/1.1 as HTTP.sys speaks it.
