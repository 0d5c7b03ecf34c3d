#![no_main]
entroscope_fuzz::target!("recipe");
