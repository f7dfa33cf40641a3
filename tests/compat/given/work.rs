// SPDX-License-Identifier: Apache-2.0
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::mpsc;
use std::thread;

fn main() {
    let (send, receive) = mpsc::channel();
    for n in 1..5u64 {
        let send = send.clone();
        thread::spawn(move || {
            let mut kept: BTreeMap<String, Vec<u64>> = BTreeMap::new();
            for i in 0..5000u64 {
                kept.entry((i * 7919 % 503).to_string()).or_default().push(i % n);
            }
            send.send((n, kept.values().flatten().sum::<u64>())).unwrap();
        });
    }
    drop(send);
    let mut all: Vec<_> = receive.iter().collect();
    all.sort();
    println!("{:?}", all);
    let child = Command::new("echo").arg("from a child").output().unwrap();
    println!("{:?}", String::from_utf8(child.stdout));
    let result = thread::spawn(|| {
        panic!("on purpose");
    });
    println!("{:?}", result.join().is_err());
    std::process::exit(5);
}
