import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import java.util.Objects;
import java.util.concurrent.Executors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Receives Skybridge's messages and takes only those that Skybridge signed. */
public final class Webhook {
    private static final long TOLERANCE = 5 * 60; // seconds, to either side

    static boolean isGenuine(byte[] key, Headers headers, byte[] body) throws Exception {
        var id = headers.getFirst("webhook-id");
        var timestamp = Objects.requireNonNullElse(headers.getFirst("webhook-timestamp"), "");
        if (!timestamp.matches("[0-9]{1,12}")
                || Math.abs(Instant.now().getEpochSecond() - Long.parseLong(timestamp)) > TOLERANCE) {
            return false;
        }
        var hmac = Mac.getInstance("HmacSHA256");
        hmac.init(new SecretKeySpec(key, "HmacSHA256"));
        hmac.update("%s.%s.".formatted(id, timestamp).getBytes(UTF_8));
        var expected = "v1," + Base64.getEncoder().encodeToString(hmac.doFinal(body));
        // While the secret is being changed there are two signatures; one has to be right.
        var given = Objects.requireNonNullElse(headers.getFirst("webhook-signature"), "");
        for (var signature : given.split(" ")) {
            if (MessageDigest.isEqual(expected.getBytes(UTF_8), signature.getBytes(UTF_8))) {
                return true;
            }
        }
        return false;
    }

    public static void main(String[] arguments) throws Exception {
        var secret = System.getenv().getOrDefault("SKYBRIDGE_WEBHOOK_SECRET", "");
        var key = Base64.getDecoder().decode(secret.replaceFirst("^whsec_", ""));
        if (key.length < 24) {
            throw new IllegalStateException("SKYBRIDGE_WEBHOOK_SECRET: expected whsec_ and base64");
        }
        var port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8000"));
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/", exchange -> {
            try (exchange) {
                var body = exchange.getRequestBody().readAllBytes();
                var genuine = isGenuine(key, exchange.getRequestHeaders(), body);
                if (genuine) {
                    // Parse it only now. Remember the id: a message may come twice.
                    System.out.println(new String(body, UTF_8));
                }
                exchange.sendResponseHeaders(genuine ? 204 : 401, -1);
            } catch (Exception problem) {
                throw new IllegalStateException(problem);
            }
        });
        server.setExecutor(Executors.newCachedThreadPool());
        server.start();
    }
}
