# SPDX-License-Identifier: Apache-2.0
set.seed(1)
x <- rnorm(20000)
y <- 2 * x + rnorm(20000)
print(summary(lm(y ~ x)))
print(head(sort(table(round(x, 1)), decreasing = TRUE)))
cat(system("echo from a child", intern = TRUE), "\n")
message("to stderr")
quit(status = 3)
