// SPDX-License-Identifier: Apache-2.0

package org.apache.flink.autoscaler;

import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.autoscaler.config.AutoScalerOptions;
import org.apache.flink.autoscaler.event.AutoScalerEventHandler;
import org.apache.flink.autoscaler.metrics.CollectedMetricHistory;
import org.apache.flink.autoscaler.metrics.CollectedMetrics;
import org.apache.flink.autoscaler.metrics.ScalingMetric;
import org.apache.flink.autoscaler.topology.IOMetrics;
import org.apache.flink.autoscaler.topology.JobTopology;
import org.apache.flink.autoscaler.topology.ShipStrategy;
import org.apache.flink.autoscaler.topology.VertexInfo;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.jobgraph.JobVertexID;

/**
 * Asks Flink's own autoscaler what it would do. Input, one line each, words by blanks:
 *
 * <pre>
 * case NAME GC HEAP          (milliseconds a second; share of the heap)
 * vertex ID PARALLELISM MAX PARTITIONS BUSY_MS IN OUT LAG LAG_RATE [INPUT:STRATEGY...]
 * end
 * </pre>
 *
 * Output: for each case and vertex "CASE vertex ID PARALLELISM", "CASE backlog 0|1", "CASE pressure 0|1".
 * Steps down are not limited: that is left to an HPA's policies.
 */
public final class Recommend {
  private static final int MINUTES = 15;

  private final Configuration options = new Configuration();
  private final Map<String, JobVertexID> ids = new LinkedHashMap<>();
  private final Map<String, String[]> vertices = new LinkedHashMap<>();

  private Recommend() {
    options.set(AutoScalerOptions.MAX_SCALE_DOWN_FACTOR, 1.0);
    options.set(AutoScalerOptions.SCALE_DOWN_INTERVAL, Duration.ZERO);
    options.set(AutoScalerOptions.VERTEX_MAX_PARALLELISM, 1000000);
    options.set(AutoScalerOptions.GC_PRESSURE_THRESHOLD, 0.3);
    options.set(AutoScalerOptions.HEAP_USAGE_THRESHOLD, 0.9);
  }

  public static void main(String[] arguments) throws Exception {
    Recommend current = null;
    String[] head = null;
    for (String line : Files.readAllLines(Path.of(arguments[0]))) {
      String[] words = line.trim().split(" +");
      if (words[0].equals("case")) {
        current = new Recommend();
        head = words;
      } else if (words[0].equals("vertex")) {
        current.ids.put(words[1], new JobVertexID());
        current.vertices.put(words[1], words);
      } else if (words[0].equals("end")) {
        current.run(head[1], Double.parseDouble(head[2]), Double.parseDouble(head[3]));
      }
    }
  }

  private double number(String vertex, int word) {
    return Double.parseDouble(vertices.get(vertex)[word]);
  }

  private JobTopology topology() {
    List<VertexInfo> infos = new ArrayList<>();
    for (String vertex : vertices.keySet()) {
      Map<JobVertexID, ShipStrategy> inputs = new HashMap<>();
      String[] words = vertices.get(vertex);
      for (int i = 10; i < words.length; i++) {
        String[] input = words[i].split(":");
        inputs.put(ids.get(input[0]), ShipStrategy.of(input[1]));
      }
      VertexInfo info =
          new VertexInfo(ids.get(vertex), inputs, (int) number(vertex, 2), (int) number(vertex, 3), new IOMetrics(0, 0, 0));
      info.setNumSourcePartitions((int) number(vertex, 4));
      infos.add(info);
    }
    return new JobTopology(infos);
  }

  /** The window as it would have been collected, a minute apart; the last lag is the one of the input. */
  private TreeMap<Instant, CollectedMetrics> history(JobTopology topology, double gc, double heap) {
    TreeMap<Instant, CollectedMetrics> history = new TreeMap<>();
    for (int minute = 0; minute <= MINUTES; minute++) {
      Map<JobVertexID, Map<ScalingMetric, Double>> all = new HashMap<>();
      for (String vertex : vertices.keySet()) {
        Map<ScalingMetric, Double> values = new EnumMap<>(ScalingMetric.class);
        values.put(ScalingMetric.LOAD, number(vertex, 5) / 1000);
        values.put(ScalingMetric.NUM_RECORDS_IN, number(vertex, 6) * 60 * minute);
        values.put(ScalingMetric.NUM_RECORDS_OUT, number(vertex, 7) * 60 * minute);
        if (topology.isSource(ids.get(vertex)))
          values.put(ScalingMetric.LAG, number(vertex, 8) - number(vertex, 9) * 60 * (MINUTES - minute));
        all.put(ids.get(vertex), values);
      }
      Map<ScalingMetric, Double> global = new EnumMap<>(ScalingMetric.class);
      global.put(ScalingMetric.GC_PRESSURE, gc / 1000);
      global.put(ScalingMetric.HEAP_MAX_USAGE_RATIO, heap);
      history.put(Instant.ofEpochSecond(1000000 + 60L * minute), new CollectedMetrics(all, global));
    }
    return history;
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private void run(String name, double gc, double heap) throws Exception {
    JobTopology topology = topology();
    TreeMap<Instant, CollectedMetrics> history = history(topology, gc, heap);
    AutoScalerEventHandler events =
        (AutoScalerEventHandler)
            Proxy.newProxyInstance(
                Recommend.class.getClassLoader(),
                new Class<?>[] {AutoScalerEventHandler.class},
                (proxy, method, arguments) -> null);
    JobAutoScalerContext<String> context = new JobAutoScalerContext<>("job", null, null, options, null, null);
    Duration restart = Duration.ofMinutes(5);
    var evaluated =
        new ScalingMetricEvaluator()
            .evaluate(options, new CollectedMetricHistory(topology, history, history.firstKey()), restart);
    for (String vertex : vertices.keySet()) {
      JobVertexID id = ids.get(vertex);
      var change =
          new JobVertexScaler(events)
              .computeScaleTargetParallelism(
                  context,
                  id,
                  topology.get(id).getInputs().values(),
                  evaluated.getVertexMetrics().get(id),
                  new TreeMap<>(),
                  restart,
                  new DelayedScaleDown());
      int wanted = change.getNewParallelism() < 1 ? (int) number(vertex, 2) : change.getNewParallelism();
      System.out.println(name + " vertex " + vertex + " " + wanted);
    }
    boolean backlog = ScalingMetricEvaluator.isProcessingBacklog(topology, history, options);
    System.out.println(name + " backlog " + (backlog ? 1 : 0));
    var pressed =
        ScalingExecutor.class.getDeclaredMethod("isJobUnderMemoryPressure", JobAutoScalerContext.class, Map.class);
    pressed.setAccessible(true);
    Object executor = new ScalingExecutor(events, null);
    boolean pressure = (boolean) pressed.invoke(executor, context, evaluated.getGlobalMetrics());
    System.out.println(name + " pressure " + (pressure ? 1 : 0));
  }
}
