// SPDX-License-Identifier: Apache-2.0

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * A driver that does what the lines appended to a file say: {@code job NAME TASKS MILLISECONDS} or
 * {@code shuffle NAME TASKS MILLISECONDS} in the background. Each task that ends leaves a file NAME-NUMBER in a
 * folder, and the driver writes how many executors Spark's own status tracker knows of: what is true, told by others
 * than the pages that plimsoll reads.
 *
 * <p>Usage: LoadDriver COMMANDS FOLDER
 */
public final class LoadDriver {
  private LoadDriver() {}

  public static void main(String[] arguments) throws Exception {
    Path commands = Path.of(arguments[0]);
    String folder = arguments[1];
    JavaSparkContext context = new JavaSparkContext(new SparkConf());
    for (int done = 0;;) {
      List<String> lines = Files.exists(commands) ? Files.readAllLines(commands) : List.of();
      for (; done < lines.size(); ++done) {
        start(context, folder, lines.get(done).trim().split("\\s+"));
      }
      // The driver is among them.
      int executors = context.sc().statusTracker().getExecutorInfos().length - 1;
      Path told = Path.of(folder, "executors");
      Files.writeString(Path.of(folder, "executors.new"), executors + "\n");
      Files.move(Path.of(folder, "executors.new"), told, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      Thread.sleep(200);
    }
  }

  private static void start(JavaSparkContext context, String folder, String[] words) {
    String name = words[1];
    int tasks = Integer.parseInt(words[2]);
    int pause = Integer.parseInt(words[3]);
    Thread job = new Thread(() -> {
      List<Integer> numbers = new ArrayList<>();
      for (int i = 0; i < tasks; ++i) numbers.add(i);
      JavaRDD<Integer> slow = context.parallelize(numbers, tasks).map(number -> {
        Thread.sleep(pause);
        leave(folder, name + "-" + number);
        return number;
      });
      try {
        System.out.println(name + " counted " + (words[0].equals("shuffle") ? slow.distinct(Math.max(1, tasks / 4)).count() : slow.count()));
      } catch (RuntimeException e) {
        System.out.println(name + " failed: " + e);
      }
    });
    job.setDaemon(true);
    job.start();
  }

  private static void leave(String folder, String name) throws IOException {
    Path file = Path.of(folder, name);
    if (!Files.exists(file)) Files.createFile(file);
  }
}
