// SPDX-License-Identifier: Apache-2.0
import java.util.ArrayList;

/** Calls its native part, or keeps ever more of its own objects. For test_runtimes. */
public class Work {
    static native void handle(int leaks);

    public static void main(String[] arguments) throws Exception {
        ArrayList<long[]> hoard = new ArrayList<>();
        System.load(System.getProperty("user.dir") + "/native_part.so");
        for (int turn = 0; turn < 60; turn++) {
            if (arguments[0].equals("hoards"))
                hoard.add(new long[100000]);
            else
                handle(arguments[0].equals("leaks") ? 1 : 0);
            Thread.sleep(50);
        }
    }
}
