// SPDX-License-Identifier: Apache-2.0

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * A job whose load is known: records arrive in a log at a rate that a file says, whether or not the job reads them, and a
 * map takes some milliseconds for each. Arguments: the file, the milliseconds, the job's name.
 *
 * <p>The file holds one line: a time in ms, how many records had arrived by then, and how many arrive in each second
 * since. What has arrived and was not read yet is the source's pendingRecords.
 */
public final class LoadJob {
  private static final int SHARDS = 8;

  private LoadJob() {}

  public static void main(String[] arguments) throws Exception {
    String file = arguments[0];
    long pause = Long.parseLong(arguments[1]);
    StreamExecutionEnvironment flink = StreamExecutionEnvironment.getExecutionEnvironment();
    flink.enableCheckpointing(5000);
    flink.fromSource(new Log(file), WatermarkStrategy.noWatermarks(), "log", Types.LONG)
        .rebalance()
        .map(
            record -> {
              Thread.sleep(pause);
              return record;
            })
        .returns(Types.LONG)
        .name("work")
        .keyBy(record -> record % 16)
        .reduce(Long::sum)
        .name("sum")
        .sinkTo(new DiscardingSink<>())
        .name("end");
    flink.execute(arguments[2]);
  }

  /** A share of the log, and how far it was read. */
  static final class Shard implements SourceSplit {
    final int number;
    long read;

    Shard(int number, long read) {
      this.number = number;
      this.read = read;
    }

    @Override
    public String splitId() {
      return Integer.toString(number);
    }
  }

  static final class Log implements Source<Long, Shard, List<Shard>> {
    private static final long serialVersionUID = 1;
    private final String file;

    Log(String file) {
      this.file = file;
    }

    @Override
    public Boundedness getBoundedness() {
      return Boundedness.CONTINUOUS_UNBOUNDED;
    }

    @Override
    public SourceReader<Long, Shard> createReader(SourceReaderContext context) {
      return new Reader(context, Path.of(file));
    }

    @Override
    public SplitEnumerator<Shard, List<Shard>> createEnumerator(SplitEnumeratorContext<Shard> context) {
      List<Shard> shards = new ArrayList<>();
      for (int number = 0; number < SHARDS; number++) shards.add(new Shard(number, 0));
      return new Dealer(context, shards);
    }

    @Override
    public SplitEnumerator<Shard, List<Shard>> restoreEnumerator(
        SplitEnumeratorContext<Shard> context, List<Shard> shards) {
      return new Dealer(context, new ArrayList<>(shards));
    }

    @Override
    public SimpleVersionedSerializer<Shard> getSplitSerializer() {
      return new Bytes<>() {
        @Override
        public byte[] serialize(Shard shard) {
          return write(List.of(shard));
        }

        @Override
        public Shard deserialize(int version, byte[] bytes) {
          return read(bytes).get(0);
        }
      };
    }

    @Override
    public SimpleVersionedSerializer<List<Shard>> getEnumeratorCheckpointSerializer() {
      return new Bytes<>() {
        @Override
        public byte[] serialize(List<Shard> shards) {
          return write(shards);
        }

        @Override
        public List<Shard> deserialize(int version, byte[] bytes) {
          return read(bytes);
        }
      };
    }
  }

  abstract static class Bytes<T> implements SimpleVersionedSerializer<T> {
    @Override
    public int getVersion() {
      return 1;
    }

    static byte[] write(List<Shard> shards) {
      ByteBuffer out = ByteBuffer.allocate(12 * shards.size());
      for (Shard shard : shards) out.putInt(shard.number).putLong(shard.read);
      return out.array();
    }

    static List<Shard> read(byte[] bytes) {
      List<Shard> shards = new ArrayList<>();
      for (ByteBuffer in = ByteBuffer.wrap(bytes); in.hasRemaining(); )
        shards.add(new Shard(in.getInt(), in.getLong()));
      return shards;
    }
  }

  /** Gives each reader its share of the shards that nobody has. */
  static final class Dealer implements SplitEnumerator<Shard, List<Shard>> {
    private final SplitEnumeratorContext<Shard> context;
    private final List<Shard> open;

    Dealer(SplitEnumeratorContext<Shard> context, List<Shard> open) {
      this.context = context;
      this.open = open;
    }

    @Override
    public void start() {}

    @Override
    public void handleSplitRequest(int reader, String host) {}

    @Override
    public void addSplitsBack(List<Shard> shards, int reader) {
      open.addAll(shards);
    }

    @Override
    public void addReader(int reader) {
      for (Shard shard : List.copyOf(open)) {
        if (shard.number % context.currentParallelism() != reader) continue;
        open.remove(shard);
        context.assignSplit(shard, reader);
      }
    }

    @Override
    public List<Shard> snapshotState(long checkpoint) {
      return List.copyOf(open);
    }

    @Override
    public void close() {}
  }

  static final class Reader implements SourceReader<Long, Shard> {
    private final SourceReaderContext context;
    private final Path file;
    private final List<Shard> shards = new CopyOnWriteArrayList<>();
    private volatile long[] line = {0, 0, 0};
    private long looked;
    private int turn;

    Reader(SourceReaderContext context, Path file) {
      this.context = context;
      this.file = file;
    }

    @Override
    public void start() {
      look();
      context
          .metricGroup()
          .setPendingRecordsGauge(
              () -> {
                long arrived = arrived();
                return shards.stream().mapToLong(shard -> Math.max(0, arrived - shard.read)).sum();
              });
    }

    private void look() {
      if (System.currentTimeMillis() < looked + 200) return;
      looked = System.currentTimeMillis();
      try {
        String[] words = Files.readString(file).trim().split(" ");
        line = new long[] {Long.parseLong(words[0]), Long.parseLong(words[1]), Long.parseLong(words[2])};
      } catch (java.io.IOException | RuntimeException unreadable) {
        return; // it is being replaced: the line before holds
      }
    }

    /** In each shard. */
    private long arrived() {
      long[] now = line;
      return (now[1] + Math.max(0, System.currentTimeMillis() - now[0]) * now[2] / 1000) / SHARDS;
    }

    @Override
    public InputStatus pollNext(ReaderOutput<Long> out) {
      look();
      long arrived = arrived();
      for (int tried = 0; tried < shards.size(); tried++) {
        Shard shard = shards.get(turn++ % shards.size());
        if (shard.read >= arrived) continue;
        out.collect(shard.read++ * SHARDS + shard.number);
        return InputStatus.MORE_AVAILABLE;
      }
      return InputStatus.NOTHING_AVAILABLE;
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
      return new CompletableFuture<Void>().completeOnTimeout(null, 20, TimeUnit.MILLISECONDS);
    }

    @Override
    public List<Shard> snapshotState(long checkpoint) {
      List<Shard> copies = new ArrayList<>();
      for (Shard shard : shards) copies.add(new Shard(shard.number, shard.read));
      return copies;
    }

    @Override
    public void addSplits(List<Shard> more) {
      shards.addAll(more);
    }

    @Override
    public void notifyNoMoreSplits() {}

    @Override
    public void close() {}
  }
}
