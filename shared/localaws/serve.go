package localaws

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/localaws/sigv4"
	"github.com/arngate/arngate/shared/localaws/sts"
)

// exchange is one request on its way through the front.
type exchange struct {
	aws     *AWS
	call    *protocol.Call
	service service
	entry   Call
	written bool // the log has the entry
}

// ServeHTTP authenticates, resolves, authorizes and carries out one request, and logs it.
func (a *AWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ex := &exchange{aws: a, call: &protocol.Call{Request: r, RequestID: newRequestID(), Now: a.now()}}
	ex.entry = Call{Time: ex.call.Now, UserAgent: r.UserAgent(), RequestID: ex.call.RequestID}
	// The SDK reads the service's clock from Date; it must be the one that signatures are held against.
	w.Header().Set("Date", ex.call.Now.UTC().Format(http.TimeFormat))
	lw := &loggedWriter{ResponseWriter: w, exchange: ex}
	err := ex.run(r.Context(), lw)
	if err != nil {
		ex.fail(lw, err)
	}
	ex.log(http.StatusOK)
}

// run carries the request through. The error it returns is still to be answered.
func (ex *exchange) run(ctx context.Context, w http.ResponseWriter) error {
	if err := ex.identify(); err != nil {
		return err
	}
	accesses, err := ex.service.Resolve(ex.call)
	maps.Copy(w.Header(), ex.call.Header)
	ex.entry.Operation = ex.call.Operation
	ex.entry.Requested, _ = sts.RequestedBy(ex.call)
	if err != nil {
		return err
	}
	if ex.aws.inspect != nil {
		ex.aws.inspect(ex.call.Service, ex.call.Operation, ex.call.Body)
	}
	ex.entry.Action = ex.call.Service + ":" + ex.call.Operation
	if len(accesses) > 0 {
		ex.entry.Action, ex.entry.Resource = accesses[0].Action, accesses[0].Resource
	}
	fault, befallen := ex.aws.faults.take(ex.entry)
	if befallen {
		fault.wait(ctx)
		if fault.fails() {
			return ex.befall(&fault)
		}
	}
	for _, access := range accesses {
		if err := ex.permit(access, true); err != nil {
			return err
		}
	}
	ex.entry.Allowed = true
	if fault.Cut {
		return ex.serveUnanswered()
	}
	return ex.service.Serve(w, ex.call)
}

// identify chooses the service and proves who is calling.
func (ex *exchange) identify() error {
	r := ex.call.Request
	signed, err := sigv4.Parse(r)
	if signed == nil {
		ex.use(unsignedService(r), "us-east-1")
		var refused *sigv4.Error
		if ex.call.Service == "s3" && errors.As(err, &refused) && refused.Kind == sigv4.Missing {
			ex.call.Authorize, ex.call.AuthenticateForm = ex.permit, ex.authenticateForm
			return ex.served() // anonymous, unless there is a form that says more
		}
		return ex.service.dialect.signature(err)
	}
	ex.use(signed.Service, signed.Region)
	ex.entry.AccessKeyID = signed.AccessKeyID
	if err != nil {
		return ex.service.dialect.signature(err)
	}
	if err := ex.served(); err != nil {
		return err
	}
	if err := ex.aws.authenticate(ex, signed); err != nil {
		return err
	}
	ex.describePrincipal()
	ex.call.Authorize = ex.permit
	return nil
}

// use sets the service that answers. One that is not here answers in the query protocol.
func (ex *exchange) use(name, region string) {
	ex.call.Service, ex.call.Region = name, region
	ex.entry.Service, ex.entry.Region = name, region
	found, ok := ex.aws.services[name]
	if !ok {
		found = service{dialect: queryDialect("")}
	}
	ex.service = found
}

// served refuses what is meant for a service that is not here.
func (ex *exchange) served() error {
	if ex.service.handler != nil {
		return nil
	}
	return protocol.NewError(http.StatusNotImplemented, "NotImplemented",
		"The local AWS has no service with the signing name %s.", ex.call.Service)
}

func (ex *exchange) describePrincipal() {
	p := ex.call.Principal
	ex.entry.Principal, ex.entry.Role = p.ARN, p.RoleARN
	ex.entry.SessionName, ex.entry.SourceIdentity = p.SessionName, p.SourceIdentity
	ex.entry.Tags = p.Tags
}

// permit authorizes an access and, if asked to, notes it for the log.
func (ex *exchange) permit(access protocol.Access, log bool) error {
	err := ex.authorize(access)
	if !log {
		return err
	}
	ex.entry.Accesses = append(ex.entry.Accesses, Access{
		Action: access.Action, Resource: access.Resource, Allowed: err == nil,
	})
	if err != nil {
		ex.entry.Action, ex.entry.Resource, ex.entry.Allowed = access.Action, access.Resource, false
	}
	return err
}

// befall answers with a fault, or not at all.
func (ex *exchange) befall(f *Fault) error {
	if !f.Cut {
		return f.asError()
	}
	ex.entry.Code = f.asError().Code
	ex.log(0)
	cutConnection()
	return nil
}

// serveUnanswered carries the call out and cuts the connection before a byte of the answer is sent.
func (ex *exchange) serveUnanswered() error {
	if err := ex.service.Serve(&answer{header: make(http.Header)}, ex.call); err != nil {
		return err
	}
	ex.log(0)
	cutConnection()
	return nil
}

// fail answers with an error in the protocol of the service.
func (ex *exchange) fail(w http.ResponseWriter, err error) {
	var e *protocol.Error
	if !errors.As(err, &e) {
		e = protocol.NewError(http.StatusInternalServerError, "InternalFailure", "%s", err.Error())
	}
	if e.Namespace == "" {
		c := *e
		c.Namespace = ex.service.dialect.own
		e = &c
	}
	ex.entry.Code = e.Code
	protocol.WriteError(w, ex.service.dialect.format, ex.call.RequestID, e)
}

// log enters the call once.
func (ex *exchange) log(status int) {
	if ex.written {
		return
	}
	ex.written = true
	ex.entry.Status = status
	ex.aws.log.add(ex.entry)
}

// loggedWriter enters the call into the log before the first byte of the answer goes out, so that who
// has the answer finds the call.
type loggedWriter struct {
	http.ResponseWriter

	exchange *exchange
}

// WriteHeader logs the call and sends the header.
func (w *loggedWriter) WriteHeader(status int) {
	if status >= http.StatusOK { // not 100 Continue
		w.exchange.log(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body.
func (w *loggedWriter) Write(p []byte) (int, error) {
	w.exchange.log(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

// Unwrap is for [http.ResponseController].
func (w *loggedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// newRequestID is a random UUID.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
