// SPDX-License-Identifier: Apache-2.0
//! Makes records that it drops or forgets, with the system's allocator. For test_runtimes.
use std::{env, hint, thread, time::Duration};

struct Record {
    words: [u64; 90],
}

#[inline(never)]
fn make_record(turn: u64) -> Box<Record> {
    Box::new(Record { words: [turn; 90] })
}

fn main() {
    let leaks = env::args().nth(1).unwrap() == "leaks";
    for turn in 0..60 {
        for _ in 0..hint::black_box(50) {
            let record = make_record(turn);
            assert!(hint::black_box(&record).words[3] == turn);
            if leaks {
                std::mem::forget(record);
            }
        }
        thread::sleep(Duration::from_millis(50));
    }
}
