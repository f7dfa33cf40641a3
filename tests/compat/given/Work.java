// SPDX-License-Identifier: Apache-2.0
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;
import java.util.zip.CRC32;

public class Work {
    sealed interface Shape permits Square, Word {}
    record Square(int side) implements Shape {}
    record Word(String text) implements Shape {}

    static int sizeOf(Shape shape) {
        return shape instanceof Square square ? square.side() : ((Word) shape).text().length();
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, Integer> counts = new TreeMap<>();
        for (int i = 0; i < 200000; i++)
            counts.merge("" + i * 7919 % 1009, 1, Integer::sum);
        System.out.println(counts.hashCode() + sizeOf(new Word("abc")) + sizeOf(new Square(2)));
        ExecutorService pool = Executors.newFixedThreadPool(4);
        List<Future<Long>> results = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            final int factor = i;
            results.add(pool.submit(() -> LongStream.range(0, 100000).map(x -> x * factor).sum()));
        }
        long sum = 0;
        for (Future<Long> result : results)
            sum += result.get();
        pool.shutdown();
        System.out.println(sum);
        Process child = new ProcessBuilder("echo", "from a child").start();
        System.out.print(new String(child.getInputStream().readAllBytes()));
        CRC32 crc = new CRC32();
        crc.update(new byte[1 << 20]);
        System.out.println(crc.getValue());
        System.gc();
        System.err.println("to stderr");
        System.exit(8);
    }
}
