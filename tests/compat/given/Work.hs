-- SPDX-License-Identifier: Apache-2.0
import Control.Concurrent
import qualified Data.Map as Map

main :: IO ()
main = do
  place <- newEmptyMVar
  let entries = [(i * 7 `mod` 503, show i) | i <- [1 .. 20000 :: Int]]
  _ <- forkIO (putMVar place (Map.size (Map.fromList entries)))
  takeMVar place >>= print
