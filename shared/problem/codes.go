package problem

import (
	"maps"
	"net/http"
	"slices"
)

// Code names a kind of problem. Codes are part of the API: they are added, never changed.
type Code string

// The codes of API version 1.
const (
	InvalidJSON          Code = "invalid_json"           // the body isn't JSON
	InvalidRequest       Code = "invalid_request"        // the request doesn't fit the schema
	UnsupportedMediaType Code = "unsupported_media_type" // the body has another content type than the operation takes
	NotAcceptable        Code = "not_acceptable"         // the answer comes in none of the media types that are accepted
	PayloadTooLarge      Code = "payload_too_large"      // a body over 4 MiB, either way
	CursorInvalid        Code = "cursor_invalid"         // altered, expired or someone else's
	CallerMissing        Code = "caller_missing"         // no verified caller in the event
	UserReserved         Code = "user_reserved"          // the user of audits, in a token or header
	ScopeMissing         Code = "scope_missing"          // the token lacks a scope
	ConnectionNotFound   Code = "connection_not_found"   // unknown to this site, or not for these groups
	ProviderNotFound     Code = "provider_not_found"     // unknown to this site
	AuditNotFound        Code = "audit_not_found"        // unknown to this site
	FindingNotFound      Code = "finding_not_found"      // unknown to this site
	AuditUnfinished      Code = "audit_unfinished"       // it has no report yet
	AuditFailed          Code = "audit_failed"           // it has ended without a report
	LinkInvalid          Code = "link_invalid"           // no link of ours: altered, cut off, or sealed under a key that is gone
	LinkExpired          Code = "link_expired"           // its time is over
	RateLimited          Code = "rate_limited"           // too many of a counted request
	ConnectionForbids    Code = "connection_forbids"     // the connection's own limits
	ConnectionTooBroad   Code = "connection_too_broad"   // its session policy would be too long
	ProviderAwaitingRole Code = "provider_awaiting_role" // no role yet
	ProviderUnverified   Code = "provider_unverified"    // verify has not passed
	ProviderUnsafe       Code = "provider_unsafe"        // others could assume the role
	ProviderUnusable     Code = "provider_unusable"      // the role can't be assumed, the keys are refused
	RoleARNInvalid       Code = "role_arn_invalid"       // ARN or path wrong
	NameTaken            Code = "name_taken"             // names are unique in a site
	ProviderInUse        Code = "provider_in_use"        // connections use it
	ETagMismatch         Code = "etag_mismatch"          // the configuration changed meanwhile
	AWSAccessDenied      Code = "aws_access_denied"      // AWS denied the action
	TableNotFound        Code = "table_not_found"        // AWS knows no such table
	BucketNotFound       Code = "bucket_not_found"       // AWS knows no such bucket
	ObjectNotFound       Code = "object_not_found"       // AWS knows no such object
	FunctionNotFound     Code = "function_not_found"     // AWS knows no such function
	ConditionFailed      Code = "condition_failed"       // a condition failed, or the object changed
	OrderUnsupported     Code = "order_unsupported"      // no index gives that order
	AWSRejected          Code = "aws_rejected"           // AWS's validation
	OutcomeUnknown       Code = "outcome_unknown"        // sent, unanswered, and not repeatable
	AWSThrottled         Code = "aws_throttled"          // AWS throttles
	AWSUnavailable       Code = "aws_unavailable"        // AWS answered 5xx, or can't be reached
	DeadlineExceeded     Code = "deadline_exceeded"      // out of time
	FunctionFailed       Code = "function_failed"        // the invoked function failed
	Internal             Code = "internal"               // ours
)

// kinds is the one table from a code to its status, title and default retryability. It is only read.
var kinds = map[Code]Kind{
	AuditFailed:          {http.StatusConflict, "Audit failed", false},
	AuditNotFound:        {http.StatusNotFound, "Audit not found", false},
	AuditUnfinished:      {http.StatusConflict, "Audit has not ended", true},
	AWSAccessDenied:      {http.StatusForbidden, "AWS denied the action", false},
	AWSRejected:          {http.StatusUnprocessableEntity, "AWS rejected the request", false},
	AWSThrottled:         {http.StatusTooManyRequests, "AWS throttles requests", true},
	AWSUnavailable:       {http.StatusBadGateway, "AWS is unavailable", true},
	BucketNotFound:       {http.StatusNotFound, "Bucket not found", false},
	CallerMissing:        {http.StatusUnauthorized, "No verified caller", false},
	ConditionFailed:      {http.StatusPreconditionFailed, "Condition failed", false},
	ConnectionForbids:    {http.StatusForbidden, "The connection's limits refuse this", false},
	ConnectionNotFound:   {http.StatusNotFound, "Connection not found", false},
	ConnectionTooBroad:   {http.StatusUnprocessableEntity, "Connection too broad", false},
	CursorInvalid:        {http.StatusBadRequest, "Cursor invalid", false},
	DeadlineExceeded:     {http.StatusGatewayTimeout, "Out of time", true},
	ETagMismatch:         {http.StatusPreconditionFailed, "Changed meanwhile", false},
	FindingNotFound:      {http.StatusNotFound, "Finding not found", false},
	FunctionFailed:       {http.StatusFailedDependency, "The function failed", false},
	FunctionNotFound:     {http.StatusNotFound, "Function not found", false},
	Internal:             {http.StatusInternalServerError, "Internal error", false},
	InvalidJSON:          {http.StatusBadRequest, "Not JSON", false},
	InvalidRequest:       {http.StatusUnprocessableEntity, "Invalid request", false},
	LinkExpired:          {http.StatusGone, "Link expired", false},
	LinkInvalid:          {http.StatusNotFound, "Link invalid", false},
	NameTaken:            {http.StatusConflict, "Name taken", false},
	NotAcceptable:        {http.StatusNotAcceptable, "Not acceptable", false},
	ObjectNotFound:       {http.StatusNotFound, "Object not found", false},
	OrderUnsupported:     {http.StatusUnprocessableEntity, "Order unsupported", false},
	OutcomeUnknown:       {http.StatusGatewayTimeout, "Outcome unknown", false},
	PayloadTooLarge:      {http.StatusRequestEntityTooLarge, "Payload too large", false},
	ProviderAwaitingRole: {http.StatusFailedDependency, "Provider has no role yet", false},
	ProviderInUse:        {http.StatusConflict, "Provider in use", false},
	ProviderNotFound:     {http.StatusNotFound, "Provider not found", false},
	ProviderUnsafe:       {http.StatusFailedDependency, "Provider unsafe", false},
	ProviderUnusable:     {http.StatusFailedDependency, "Provider unusable", false},
	ProviderUnverified:   {http.StatusFailedDependency, "Provider not verified", false},
	RateLimited:          {http.StatusTooManyRequests, "Too many requests", true},
	RoleARNInvalid:       {http.StatusUnprocessableEntity, "Role ARN invalid", false},
	ScopeMissing:         {http.StatusForbidden, "Scope missing", false},
	TableNotFound:        {http.StatusNotFound, "Table not found", false},
	UnsupportedMediaType: {http.StatusUnsupportedMediaType, "Unsupported media type", false},
	UserReserved:         {http.StatusForbidden, "User reserved", false},
}

// Codes returns every code of the API, sorted.
func Codes() []Code { return slices.Sorted(maps.Keys(kinds)) }
