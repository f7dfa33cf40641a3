! SPDX-License-Identifier: Apache-2.0
program work
  implicit none
  real, allocatable :: a(:, :), b(:, :)
  allocate (a(200, 200), b(200, 200))
  a = 1.5
  b = matmul(a, a)
  print *, sum(b)
  deallocate (a)
  stop 3
end program
