<?php
// SPDX-License-Identifier: Apache-2.0
$kept = [];
for ($i = 0; $i < 50000; $i++)
    $kept["k" . $i * 7 % 5003] = [$i, str_repeat("x", $i % 50)];
ksort($kept);
echo count($kept), " ", md5(serialize($kept)), "\n";
echo preg_replace("/(\d+)/", "<$1>", "a1b22"), "\n";
function numbers() {
    for ($i = 0; $i < 5; $i++)
        yield $i;
}
foreach (numbers() as $number)
    echo $number;
try {
    throw new Exception("caught");
} catch (Exception $error) {
    echo $error->getMessage(), "\n";
}
echo shell_exec("echo from a child");
fwrite(STDERR, "to stderr\n");
exit(4);
