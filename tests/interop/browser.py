"""A real Chromium without a window, driven over a pair of pipes: no port, no driver, no package.

What the page asks of the network and what it complains about is recorded from before it is opened.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--lang=en",
)
PATIENCE = 60.0


def program() -> str:
    """The path of an installed Chromium."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    assert found, f"no browser: none of {', '.join(NAMES)} is installed (apt-get install chromium)"
    return found


class Browser:
    """One browser with an empty profile."""

    def __init__(self) -> None:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        # The protocol wants the file descriptors 3 and 4.
        shell = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "browser", program(), *FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._in = os.fdopen(ours_in, "rb", buffering=0)
        self._out = os.fdopen(ours_out, "wb", buffering=0)
        os.set_blocking(self._in.fileno(), False)
        self._buffer = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        """Ends the browser."""
        self._out.close()
        self._in.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._profile.cleanup()

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Sends a command and waits for its answer; what else arrives is kept in ``events``."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._out.write(json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            answer = self._next(until)
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return dict(answer["result"])
            self.events.append(answer)
        raise AssertionError(f"{method}: no answer in {PATIENCE} s")

    def _next(self, until: float) -> dict[str, Any]:
        import select

        while b"\0" not in self._buffer:
            left = until - time.monotonic()
            ready, _, _ = select.select([self._in], [], [], max(0.0, left))
            assert ready, f"the browser says nothing (exit {self._process.poll()})"
            piece = self._in.read(1 << 20)
            assert piece, f"the browser is gone (exit {self._process.poll()})"
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(line))


class Page:
    """One tab. ``file`` is the only thing it may ask for."""

    def __init__(self, browser: Browser, file: Path, width: int = 1360, height: int = 900) -> None:
        self.browser, self.file = browser, file
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._target = target
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        # As on an auditor's desk without a network.
        self._call(
            "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1
        )
        started = time.monotonic()
        self._call("Page.navigate", url=file.as_uri())
        self.wait("document.documentElement.dataset.ready === 'yes'")
        #: Seconds from the call to a page that can be used.
        self.opened_in = time.monotonic() - started

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self.browser.call(method, self._session, **parameters)

    def close(self) -> None:
        """Closes the tab."""
        self.browser.call("Target.closeTarget", targetId=self._target)

    def value(self, expression: str) -> Any:
        """What an expression comes to in the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, f"{expression}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Until an expression is true. The page's own frames give the beat."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self.value(f"new Promise(done => setTimeout(() => done(Boolean({expression})), 5))"):
                return
        raise AssertionError(f"never true: {expression}")

    def frame(self) -> None:
        """Two frames: whatever was put off to the next one is on the page."""
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")

    def click(self, selector: str) -> None:
        """A real click into the middle of an element."""
        box = self.value(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}});"
            " const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = "none" if kind == "mouseMoved" else "left"
            self._call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button=button, clickCount=1)
        self.frame()

    def key(self, key: str, code: int = 0) -> None:
        """A real key stroke."""
        text = key if len(key) == 1 else ("\r" if key == "Enter" else None)
        down: dict[str, Any] = {"type": "keyDown", "key": key, "windowsVirtualKeyCode": code}
        if text:
            down["text"] = text
        self._call("Input.dispatchKeyEvent", **down)
        self._call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)
        self.frame()

    def type(self, text: str) -> None:
        """Text into whatever has the focus."""
        self._call("Input.insertText", text=text)
        self.frame()

    def media(self, media: str = "", scheme: str = "light") -> None:
        """Screen or print, light or dark."""
        self._call(
            "Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}]
        )
        self.frame()

    def pdf(self) -> bytes:
        """The page as printed."""
        return base64.b64decode(self._call("Page.printToPDF", printBackground=True)["data"])

    def screenshot(self, path: Path) -> None:
        """The visible part, for a person to look at."""
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"]))

    def _seen(self, *methods: str) -> list[dict[str, Any]]:
        self.value("1")  # whatever has happened has been told by now
        return [
            event["params"]
            for event in self.browser.events
            if event.get("sessionId") == self._session and event.get("method") in methods
        ]

    def requests(self) -> list[str]:
        """Every address that was asked for, but the file itself and what stands inside of it."""
        asked = [event["request"]["url"] for event in self._seen("Network.requestWillBeSent")]
        asked += [event["url"] for event in self._seen("Network.webSocketCreated", "Network.webTransportCreated")]
        return [url for url in asked if url != self.file.as_uri() and not url.startswith("data:")]

    def complaints(self) -> list[str]:
        """Everything on the console, every exception, every refusal of the policy."""
        return [
            json.dumps(event)
            for event in self._seen("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        ]
