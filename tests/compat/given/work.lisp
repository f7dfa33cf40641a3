; SPDX-License-Identifier: Apache-2.0
(let ((counts (make-hash-table)))
  (dotimes (i 100000) (incf (gethash (mod (* i 7919) 1009) counts 0)))
  (print (hash-table-count counts)))
(gc :full t)
(print (sb-thread:join-thread
        (sb-thread:make-thread (lambda () (reduce #'+ (loop for i below 1000 collect i))))))
(print (handler-case (/ 1 0) (division-by-zero () :caught)))
(sb-ext:exit :code 3)
