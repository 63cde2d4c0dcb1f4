// SPDX-License-Identifier: Apache-2.0
//
// A client of Pravega that does what a line of its input says and answers with a line:
//   count SCOPE STREAM          how many segments a writer finds now
//   scale SCOPE STREAM N        replaces all segments by N equal ones: true or false
//   group SCOPE STREAM NAME     a reader group, which has an internal stream in the same scope
// It speaks the client's protocol, so that what it says is independent of the REST API.
import io.pravega.client.ClientConfig;
import io.pravega.client.admin.ReaderGroupManager;
import io.pravega.client.control.impl.Controller;
import io.pravega.client.control.impl.ControllerImpl;
import io.pravega.client.control.impl.ControllerImplConfig;
import io.pravega.client.stream.ReaderGroupConfig;
import io.pravega.client.stream.Stream;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

public final class Streams {
    private static final int SECONDS = 30;
    private final ScheduledExecutorService pool = Executors.newScheduledThreadPool(2);
    private final ClientConfig config;
    private final Controller controller;

    private Streams(URI uri) {
        config = ClientConfig.builder().controllerURI(uri).build();
        controller = new ControllerImpl(ControllerImplConfig.builder().clientConfig(config).build(), pool);
    }

    private List<Long> segments(String scope, String stream) throws Exception {
        return controller.getCurrentSegments(scope, stream).get(SECONDS, TimeUnit.SECONDS).getSegments().stream()
                .map(segment -> segment.getSegmentId()).collect(Collectors.toList());
    }

    private String scale(String scope, String stream, int count) throws Exception {
        Map<Double, Double> ranges = new HashMap<>();
        for (int i = 0; i < count; i++) {
            ranges.put((double) i / count, (double) (i + 1) / count);
        }
        return String.valueOf(controller.scaleStream(Stream.of(scope, stream), segments(scope, stream), ranges, pool).getFuture()
                .get(SECONDS, TimeUnit.SECONDS));
    }

    private String group(String scope, String stream, String name) {
        try (ReaderGroupManager manager = ReaderGroupManager.withScope(scope, config)) {
            return String.valueOf(manager.createReaderGroup(name,
                    ReaderGroupConfig.builder().stream(Stream.of(scope, stream)).build()));
        }
    }

    private String answer(String[] words) throws Exception {
        switch (words[0]) {
            case "count":
                return String.valueOf(segments(words[1], words[2]).size());
            case "scale":
                return scale(words[1], words[2], Integer.parseInt(words[3]));
            case "group":
                return group(words[1], words[2], words[3]);
            default:
                return "unknown";
        }
    }

    public static void main(String[] args) throws Exception {
        Streams streams = new Streams(URI.create(args[0]));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String answer;
            try {
                answer = streams.answer(line.split(" "));
            } catch (Exception e) {
                answer = "failed: " + e;
            }
            System.out.println("= " + answer);
        }
        System.exit(0);
    }
}
