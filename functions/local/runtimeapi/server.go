package runtimeapi

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// version is the Runtime API's.
const version = "/2018-06-01/runtime"

// task is an invocation on its way through an environment.
type task struct {
	Invocation
	id       string
	handed   time.Time   // when an environment took it; its invoker's to read
	answered chan answer // takes one without anybody waiting
}

type answer struct {
	payload []byte
	err     error
}

func newTask(in Invocation) *task {
	id := hexOf(16)
	if in.TraceID == "" {
		in.TraceID = "Root=1-" + hexOf(4) + "-" + hexOf(12) + ";Parent=" + hexOf(8) + ";Sampled=0"
	}
	return &task{
		Invocation: in, answered: make(chan answer, 1),
		id: id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:],
	}
}

func hexOf(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand never fails
	return hex.EncodeToString(b)
}

func (e *environment) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+version+"/invocation/next", e.next)
	mux.HandleFunc("POST "+version+"/invocation/{id}/response", e.response)
	mux.HandleFunc("POST "+version+"/invocation/{id}/error", e.failure)
	mux.HandleFunc("POST "+version+"/init/error", e.initFailure)
	return mux
}

// next gives the runtime its next task. It answers only when there is one.
func (e *environment) next(w http.ResponseWriter, r *http.Request) {
	e.await()
	select {
	case t := <-e.work:
		e.begin(t)
		e.hand(w, t)
	case <-r.Context().Done():
		e.begin(nil)
	}
}

// await counts a request that waits for work.
func (e *environment) await() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waiting++
	e.rest()
}

// begin ends the wait of one request, with a task or without.
func (e *environment) begin(t *task) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waiting--
	if t != nil {
		e.running[t.id] = t
	}
}

func (e *environment) hand(w http.ResponseWriter, t *task) {
	header := w.Header()
	header.Set("Lambda-Runtime-Aws-Request-Id", t.id)
	header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(e.options.Timeout).UnixMilli(), 10))
	header.Set("Lambda-Runtime-Trace-Id", t.TraceID)
	header.Set("Lambda-Runtime-Invoked-Function-Arn", e.options.ARN)
	if t.ClientContext != "" {
		header.Set("Lambda-Runtime-Client-Context", t.ClientContext)
	}
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(t.Payload)))
	_, _ = w.Write(t.Payload) // a runtime that is gone by now has ended the environment
}

// response takes the answer to a task, whole or in chunks with the outcome in the trailer.
func (e *environment) response(w http.ResponseWriter, r *http.Request) {
	t, ok := e.end(r.PathValue("id"))
	if !ok {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	payload, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	switch {
	case err != nil:
		t.answered <- answer{err: &Error{TrailError, err.Error()}}
		refuse(w, http.StatusBadRequest, "TruncatedResponse", "Truncated response")
		return
	case len(payload) > maxAnswer:
		t.answered <- answer{err: &Error{AnswerError, fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxAnswer)}}
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Exceeded maximum allowed payload size")
		return
	}
	if kind := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); kind != "" {
		text, _ := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body"))
		t.answered <- answer{err: reported(kind, text)}
	} else {
		t.answered <- answer{payload: payload}
	}
	accept(w)
}

// failure takes the error that a task ended with.
func (e *environment) failure(w http.ResponseWriter, r *http.Request) {
	t, ok := e.end(r.PathValue("id"))
	if !ok {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	t.answered <- answer{err: readError(r)}
	accept(w)
}

// initFailure takes the error for which the runtime can't start. It is to exit then.
func (e *environment) initFailure(w http.ResponseWriter, r *http.Request) {
	fault := readError(r)
	e.mu.Lock()
	e.initError = fault
	e.mu.Unlock()
	accept(w)
}

// end takes a task off those that run; each is answered once.
func (e *environment) end(id string) (*task, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t, ok := e.running[id]
	delete(e.running, id)
	return t, ok
}

func readError(r *http.Request) *Error {
	text, _ := io.ReadAll(io.LimitReader(r.Body, maxAnswer)) // what can be read of it says enough
	return reported(r.Header.Get("Lambda-Runtime-Function-Error-Type"), text)
}

// reported is an error that the runtime tells in the form of an error object.
func reported(kind string, text []byte) *Error {
	var object struct {
		ErrorMessage string `json:"errorMessage"`
		ErrorType    string `json:"errorType"`
	}
	if json.Unmarshal(text, &object) != nil {
		object.ErrorMessage = string(text)
	}
	for _, candidate := range []string{object.ErrorType, kind, unknownType} {
		if candidate != "" {
			return &Error{candidate, object.ErrorMessage}
		}
	}
	return nil
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`+"\n") // the status says it all
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"errorMessage":%q,"errorType":%q}`+"\n", message, kind) // the status says it all
}
