//! What a person at the console would read, in the languages hosts can have. Wording of our own: nothing may parse it.

use crate::spec::Language;

fn pick(language: Language, texts: [&str; 3]) -> String {
    format!("{}\r\n", texts[language as usize])
}

pub(super) fn too_long(language: Language) -> String {
    pick(
        language,
        [
            "The command line is too long.",
            "Die Befehlszeile ist zu lang.",
            "コマンド ラインが長すぎます。",
        ],
    )
}

pub(super) fn syntax(language: Language) -> String {
    pick(
        language,
        [
            "The syntax of the command is incorrect.",
            "Syntaxfehler.",
            "コマンドの構文が誤っています。",
        ],
    )
}

pub(super) fn no_file(language: Language) -> String {
    pick(
        language,
        [
            "The system cannot find the file specified.",
            "Das System kann die angegebene Datei nicht finden.",
            "指定されたファイルが見つかりません。",
        ],
    )
}

pub(super) fn no_program(language: Language, name: &str) -> String {
    let texts = [
        format!(
            "'{name}' is not recognized as an internal or external command,\r\noperable program or batch file."
        ),
        format!(
            "Der Befehl \"{name}\" ist entweder falsch geschrieben oder konnte nicht gefunden werden."
        ),
        format!("'{name}' は、内部コマンドまたは外部コマンドとして認識されていません。"),
    ];
    format!("{}\r\n", texts[language as usize])
}

pub(super) fn reg_done(language: Language) -> String {
    pick(
        language,
        [
            "The operation completed successfully.",
            "Der Vorgang wurde erfolgreich beendet.",
            "この操作を正しく終了しました。",
        ],
    )
}

pub(super) fn reg_absent(language: Language) -> String {
    pick(
        language,
        [
            "ERROR: The system was unable to find the specified registry key or value.",
            "FEHLER: Der angegebene Registrierungsschlüssel bzw. Wert wurde nicht gefunden.",
            "エラー: 指定されたレジストリ キーまたは値が見つかりませんでした。",
        ],
    )
}

pub(super) fn reg_syntax(language: Language) -> String {
    pick(
        language,
        [
            "ERROR: Invalid syntax.",
            "FEHLER: Ungültige Syntax.",
            "エラー: 無効な構文です。",
        ],
    )
}

pub(super) fn reg_denied(language: Language) -> String {
    pick(
        language,
        [
            "ERROR: Access is denied.",
            "FEHLER: Zugriff verweigert",
            "エラー: アクセスが拒否されました。",
        ],
    )
}

pub(super) fn default_name(language: Language) -> &'static str {
    ["(Default)", "(Standard)", "(既定)"][language as usize]
}

pub(super) fn winhttp_heading(language: Language) -> String {
    pick(
        language,
        [
            "Current WinHTTP proxy settings:",
            "Aktuelle WinHTTP-Proxyeinstellungen:",
            "現在の WinHTTP プロキシ設定:",
        ],
    )
}

pub(super) fn winhttp_direct(language: Language) -> String {
    pick(
        language,
        [
            "    Direct access (no proxy server).",
            "    Direktzugriff (kein Proxyserver).",
            "    直接アクセス (プロキシ サーバーなし)。",
        ],
    )
}

pub(super) fn winhttp_proxy(language: Language, proxy: &str, bypass: &str) -> String {
    let [server, list, none] = match language {
        Language::En => ["Proxy Server(s) :  ", "Bypass List     :  ", "(none)"],
        Language::De => ["Proxyserver:     ", "Umgehungsliste:  ", "(keine)"],
        Language::Ja => ["プロキシ サーバー:  ", "バイパス一覧     :  ", "(なし)"],
    };
    let bypass = if bypass.is_empty() { none } else { bypass };
    format!("    {server}{proxy}\r\n    {list}{bypass}\r\n")
}

pub(super) fn netsh_failed(language: Language) -> String {
    pick(
        language,
        [
            "The parameter is incorrect.",
            "Falscher Parameter.",
            "パラメーターが間違っています。",
        ],
    )
}

pub(super) fn netsh_unknown(language: Language) -> String {
    pick(
        language,
        [
            "The following command was not found.",
            "Der folgende Befehl wurde nicht gefunden.",
            "次のコマンドは見つかりませんでした。",
        ],
    )
}

/// "The command completed successfully", in the OEM code page of the language.
pub(super) fn net_done(language: Language) -> &'static [u8] {
    match language {
        Language::En => b"The command completed successfully.\r\n\r\n",
        Language::De => b"Der Befehl wurde erfolgreich ausgef\x81hrt.\r\n\r\n",
        Language::Ja => {
            b"\x83R\x83}\x83\x93\x83h\x82\xcd\x90\xb3\x8f\xed\x82\xc9\x8fI\x97\xb9\x82\xb5\x82\xdc\x82\xb5\x82\xbd\x81B\r\n\r\n"
        }
    }
}

/// "Active code page", likewise; the number follows.
pub(super) fn codepage(language: Language) -> &'static [u8] {
    match language {
        Language::En => b"Active code page: ",
        Language::De => b"Aktive Codepage: ",
        Language::Ja => b"\x8c\xbb\x8d\xdd\x82\xcc\x83R\x81[\x83h \x83y\x81[\x83W: ",
    }
}
