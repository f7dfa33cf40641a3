(* SPDX-License-Identifier: Apache-2.0 *)
module Kept = Map.Make (String)

let rec fill kept i =
  if i = 50000 then kept else fill (Kept.add (string_of_int (i * 7 mod 5003)) i kept) (i + 1)

let () =
  Printf.printf "%d\n" (Kept.cardinal (fill Kept.empty 0));
  Gc.compact ();
  (try failwith "caught" with Failure text -> print_endline text);
  exit 3
