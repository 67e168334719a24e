package httpapi

import (
	"context"
	"log/slog"

	"github.com/arngate/arngate/shared/telemetry"
)

// Logger logs what operators should know of a request that is answered all the same. Its lines carry the request's id; a problem
// is logged anyway, once, when it is answered.
func Logger(ctx context.Context) *slog.Logger { return telemetry.From(ctx).Logger() }

// NoteSite says whose the request turned out to be, in a public operation: the request's line in the log names the site then.
func NoteSite(ctx context.Context, site string) { telemetry.From(ctx).SetCaller(site, "", "") }
