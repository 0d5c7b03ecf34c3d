//! A Chromium, driven by its own driver over WebDriver.
#![allow(dead_code, reason = "the tests and the benchmark use their parts")]

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};

/// Longer than anything here takes, on a machine that is busy.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Keys without a character, as WebDriver names them.
const SHIFT: &str = "\u{e008}";
pub const ESCAPE: &str = "\u{e00c}";
pub const RIGHT: &str = "\u{e014}";
pub const UP: &str = "\u{e013}";

/// One browser; it ends with this.
pub struct Browser {
    driver: Child,
    session: String,
    agent: ureq::Agent,
}

/// A program on the path, or in the places of Debian's packages.
fn installed(names: &[&str]) -> Option<String> {
    names.iter().map(|name| format!("/usr/bin/{name}")).find(|path| std::path::Path::new(path).exists())
}

impl Browser {
    /// A browser, or why there is none.
    pub fn open() -> Result<Self, &'static str> {
        let driver = installed(&["chromedriver"]).ok_or("there is no chromedriver (Debian: chromium-driver)")?;
        let chromium = installed(&["chromium", "google-chrome"]).ok_or("there is no chromium")?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut driver = Command::new(driver).arg(format!("--port={port}")).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(driver.stdout.take().unwrap());
        let mut line = String::new();
        while said.read_line(&mut line).unwrap() > 0 && !line.contains("successfully") {
            line.clear();
        }
        std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut browser = Self { driver, session: format!("http://127.0.0.1:{port}/session"), agent };
        let switches = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-sync",
            "--disable-background-networking",
            "--disable-component-update",
            "--window-size=1400,1000",
        ];
        let options = json!({ "binary": chromium, "args": switches });
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let opened = browser.post("", &wanted);
        browser.session = format!("{}/{}", browser.session, opened["sessionId"].as_str().unwrap());
        Ok(browser)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.session);
        let mut answer = self.agent.post(&url).content_type("application/json").send(body.to_string()).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(answer.status().is_success(), "{path}: {}", value["value"]["message"]);
        value["value"].clone()
    }

    pub fn go(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// What an expression of the page gives.
    pub fn value(&self, expression: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": format!("return {expression}"), "args": [] }))
    }

    /// The text of the first element with this test name; empty where there is none.
    pub fn text(&self, name: &str) -> String {
        let found = self.value(&format!("(document.querySelector('[data-test=\"{name}\"]')?.innerText ?? '')"));
        found.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an expression of the page holds.
    #[track_caller]
    pub fn wait(&self, expression: &str) {
        let started = Instant::now();
        while self.value(&format!("Boolean({expression})")) != json!(true) {
            if started.elapsed() > PATIENCE {
                let _ = std::fs::write(std::env::temp_dir().join("entroscope_page.png"), self.screenshot());
                panic!("never {expression}; shown: {}\n{}", self.shown(), self.value("document.body.innerText"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// "3:done", once the page shows edit 3 whole.
    pub fn shown(&self) -> String {
        self.value("(document.documentElement.dataset.shown ?? '')").as_str().unwrap_or_default().to_owned()
    }

    #[track_caller]
    pub fn wait_shown(&self, shown: &str) {
        self.wait(&format!("document.documentElement.dataset.shown === '{shown}'"));
    }

    pub fn press(&self, key: &str) {
        self.keys(&[("keyDown", key), ("keyUp", key)]);
    }

    pub fn press_with_shift(&self, key: &str) {
        self.keys(&[("keyDown", SHIFT), ("keyDown", key), ("keyUp", key), ("keyUp", SHIFT)]);
    }

    fn keys(&self, steps: &[(&str, &str)]) {
        let steps: Vec<Value> = steps.iter().map(|(what, key)| json!({ "type": what, "value": key })).collect();
        self.post("/actions", &json!({ "actions": [{ "type": "key", "id": "keys", "actions": steps }] }));
    }

    /// Moves the pointer to a place of the window, and clicks there if asked to.
    pub fn point(&self, x: f64, y: f64, click: bool) {
        let mut actions =
            vec![json!({ "type": "pointerMove", "duration": 0, "x": x.round() as i64, "y": y.round() as i64 })];
        if click {
            actions.push(json!({ "type": "pointerDown", "button": 0 }));
            actions.push(json!({ "type": "pointerUp", "button": 0 }));
        }
        self.post(
            "/actions",
            &json!({ "actions": [{
            "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": actions,
        }] }),
        );
    }

    /// A second window; the handles of the former and the new.
    pub fn another(&self) -> (Value, Value) {
        let first = self.agent.get(format!("{}/window", self.session)).call().unwrap().body_mut().read_to_string();
        let first: Value = serde_json::from_str(&first.unwrap()).unwrap();
        let second = self.post("/window/new", &json!({ "type": "tab" }));
        (first["value"].clone(), second["handle"].clone())
    }

    pub fn switch(&self, window: &Value) {
        self.post("/window", &json!({ "handle": window }));
    }

    /// Files that links save go into this folder.
    pub fn download_to(&self, folder: &std::path::Path) {
        let parameters = json!({ "behavior": "allow", "downloadPath": folder });
        self.post("/goog/cdp/execute", &json!({ "cmd": "Browser.setDownloadBehavior", "params": parameters }));
    }

    /// What the page's console said that was an error.
    pub fn errors(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({ "type": "browser" }));
        let severe = log.as_array().unwrap().iter().filter(|entry| entry["level"] == "SEVERE");
        severe.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn screenshot(&self) -> Vec<u8> {
        let answer = self.agent.get(format!("{}/screenshot", self.session)).call().unwrap().body_mut().read_to_string();
        let answer: Value = serde_json::from_str(&answer.unwrap()).unwrap();
        BASE64_STANDARD.decode(answer["value"].as_str().unwrap()).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
