; SPDX-License-Identifier: Apache-2.0
(use-modules (ice-9 threads) (srfi srfi-1))
(display (fold + 0 (par-map (lambda (x) (* x x)) (iota 1000))))
(newline)
(display (call/cc (lambda (leave) (for-each (lambda (x) (if (> x 3) (leave x))) (iota 10)) 0)))
(newline)
(display (length (let loop ((i 0) (kept '())) (if (= i 200000) kept (loop (+ i 1) (cons i kept))))))
(gc)
(exit 3)
