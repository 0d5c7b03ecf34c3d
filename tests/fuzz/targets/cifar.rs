#![no_main]
entroscope_fuzz::target!("cifar");
