package localgateway

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// message answers as API Gateway does by itself.
func (x *exchange) message(status int, text string) {
	x.w.Header().Set("Content-Type", "application/json")
	body, _ := json.Marshal(map[string]string{"message": text}) // strings always marshal
	x.write(status, body)
}

func (x *exchange) write(status int, body []byte) {
	x.status = status
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead && status != http.StatusNoContent && status != http.StatusNotModified {
		_, _ = x.w.Write(body) // a client that is gone needs no answer
	}
}

// answerV2 is what a function returns in format 2.0.
type answerV2 struct {
	StatusCode      *int              `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Cookies         []string          `json:"cookies"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

// respond turns a function's answer into HTTP. JSON without a status code is itself the body of a 200; what
// isn't an answer at all is a failed integration.
func (x *exchange) respond(raw []byte) {
	if !json.Valid(raw) {
		x.message(http.StatusInternalServerError, "Internal Server Error")
		return
	}
	var a answerV2
	if err := json.Unmarshal(raw, &a); err != nil || a.StatusCode == nil {
		x.w.Header().Set("Content-Type", "application/json")
		x.write(http.StatusOK, raw)
		return
	}
	body := []byte(a.Body)
	if a.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(a.Body)
		if err != nil {
			x.message(http.StatusInternalServerError, "Internal Server Error")
			return
		}
		body = decoded
	}
	if *a.StatusCode < 100 || *a.StatusCode > 599 {
		x.message(http.StatusInternalServerError, "Internal Server Error")
		return
	}
	x.setHeaders(a)
	x.write(*a.StatusCode, body)
}

func (x *exchange) setHeaders(a answerV2) {
	header := x.w.Header()
	for name, value := range a.Headers {
		name = http.CanonicalHeaderKey(name)
		if x.gateway.owns(name) {
			continue
		}
		header.Set(name, value)
	}
	for _, cookie := range a.Cookies {
		header.Add("Set-Cookie", cookie)
	}
}

// owns says that a header is the gateway's to set: those of the connection, and, where CORS is configured,
// those of CORS ("Configure CORS for HTTP APIs in API Gateway": the integration's are ignored).
func (g *Gateway) owns(name string) bool {
	switch name {
	case "Connection", "Content-Length", "Date", "Transfer-Encoding", "Apigw-Requestid":
		return true
	}
	return g.cors != nil && strings.HasPrefix(name, "Access-Control-")
}
