import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.UUID;
import java.util.regex.Pattern;

/** Asks Skybridge for a one-time address that takes a customer to the cloud console. */
public final class Ticket {
    // Java brings no JSON of its own; use the library that you have anyway.
    private static final Pattern URL = Pattern.compile("\"url\":\"([^\"\\\\]+)\"");

    /** The address to send the customer's browser to; it works once, for about a minute. */
    static String mint(String customer, String idempotencyKey) throws Exception {
        var address = "%s/api/v1/%s/tickets"
                .formatted(System.getenv("SKYBRIDGE_URL"), System.getenv("SKYBRIDGE_TENANT"));
        var request = HttpRequest.newBuilder(URI.create(address))
                .header("Authorization", "Bearer " + System.getenv("SKYBRIDGE_API_KEY"))
                .header("Idempotency-Key", idempotencyKey)
                .header("Content-Type", "application/json")
                .timeout(Duration.ofSeconds(10))
                .POST(HttpRequest.BodyPublishers.ofString(customer))
                .build();
        var response = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        var url = URL.matcher(response.body());
        if (response.statusCode() != 201 || !url.find()) {
            throw new IllegalStateException(response.statusCode() + " " + response.body());
        }
        return url.group(1);
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    public static void main(String[] arguments) throws Exception {
        var customer = "{\"user_id\": %s, \"name\": %s, \"mobile\": %s}".formatted(
                quoted(arguments[0]), quoted("alice_acme"), quoted("0086-13800001001"));
        try {
            // One key for each click. Repeated with the same key, a request gives the same ticket.
            System.out.println(mint(customer, UUID.randomUUID().toString()));
        } catch (IllegalStateException refusal) {
            System.err.println(refusal.getMessage());
            System.exit(1);
        }
    }
}
