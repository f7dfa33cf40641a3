% SPDX-License-Identifier: Apache-2.0
A = magic (120);
[Q, R] = qr (A);
disp (norm (Q * R - A) < 1e-8);
kept = struct ();
for i = 1:500
  kept.(sprintf ("f%d", i)) = ones (1, i);
end
disp (sum (cellfun (@numel, struct2cell (kept))));
fprintf (stderr, "to stderr\n");
exit (3);
