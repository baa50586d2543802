// Receives Skybridge's messages and takes only those that Skybridge signed.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const tolerance = 5 * 60 // seconds, to either side

func isGenuine(key []byte, header http.Header, body []byte) bool {
	timestamp := header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	now := time.Now().Unix()
	if err != nil || seconds < now-tolerance || seconds > now+tolerance {
		return false
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", header.Get("webhook-id"), timestamp, body)
	expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	// While the secret is being changed there are two signatures; one has to be right.
	for _, signature := range strings.Split(header.Get("webhook-signature"), " ") {
		if hmac.Equal([]byte(expected), []byte(signature)) {
			return true
		}
	}
	return false
}

func main() {
	secret := strings.TrimPrefix(os.Getenv("SKYBRIDGE_WEBHOOK_SECRET"), "whsec_")
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil || len(key) < 24 {
		log.Fatal("SKYBRIDGE_WEBHOOK_SECRET: expected whsec_ and base64")
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "8000"
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || !isGenuine(key, r.Header, body) {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			// Parsed only now. Remember the id: a message may come twice.
			var message struct{ ID, Type string }
			if err := json.Unmarshal(body, &message); err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			fmt.Println(message.ID, message.Type)
			w.WriteHeader(http.StatusNoContent)
		})))
}
