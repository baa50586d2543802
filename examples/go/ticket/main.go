// Asks Skybridge for a one-time address that takes a customer to the cloud console.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

type customer struct {
	UserID string `json:"user_id"`
	Name   string `json:"name,omitempty"`
	Mobile string `json:"mobile,omitempty"`
}

var client = &http.Client{Timeout: 10 * time.Second}

// mintTicket gives the address to send the customer's browser to; it works once, for about a minute.
func mintTicket(who customer, idempotencyKey string) (string, error) {
	body, err := json.Marshal(who)
	if err != nil {
		return "", err
	}
	url := fmt.Sprintf("%s/api/v1/%s/tickets", os.Getenv("SKYBRIDGE_URL"), os.Getenv("SKYBRIDGE_TENANT"))
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("SKYBRIDGE_API_KEY"))
	request.Header.Set("Idempotency-Key", idempotencyKey)
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		why, _ := io.ReadAll(response.Body)
		return "", fmt.Errorf("%d %s", response.StatusCode, why)
	}
	var ticket struct{ URL string }
	err = json.NewDecoder(response.Body).Decode(&ticket)
	return ticket.URL, err
}

func main() {
	// One key for each click. Repeated with the same key, a request gives the same ticket.
	key := make([]byte, 16)
	if _, err := rand.Read(key); err != nil {
		log.Fatal(err)
	}
	who := customer{UserID: os.Args[1], Name: "alice_acme", Mobile: "0086-13800001001"}
	url, err := mintTicket(who, hex.EncodeToString(key))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(url)
}
