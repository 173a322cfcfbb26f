# Runs cells as the console would: one expression after the other, each in the global environment.

WARNINGS_MAX <- 50L
FRAMES_MAX <- 60L
TABLE_ROWS <- 30L
TABLE_COLUMNS <- 50L

collected <- list()

# Takes an interrupt that came when nothing was on: it is nobody's.
forget_interrupt <- function() tryCatch(allowInterrupts(Sys.sleep(0)), interrupt = function(e) NULL)

attempt <- function(expr) tryCatch(allowInterrupts(expr), error = function(e) NULL, interrupt = function(e) NULL)

run <- function(number, code) {
  forget_interrupt()
  collected <<- list()
  say(event = "began", number = number)
  stopped <- list(type = "KeyboardInterrupt", message = "Interrupted.", traceback = list())
  word <- withRestarts(
    tryCatch(
      allowInterrupts(work(paste0("cell-", number), code)),
      interrupt = function(e) list(error = stopped),
      error = function(e) list(error = failure(e, NULL))
    ),
    abort = function() list(error = stopped)
  )
  attempt(show_warnings())
  attempt(show_plot())
  attempt(close_device())
  say(event = "done", number = number, word = word)
}

# The last word of a cell: `error`, or `text` and `html` of its value.
work <- function(name, code) {
  lines <- lines_of(code)
  cells <- tryCatch(
    parse(text = lines, srcfile = srcfilecopy(name, lines), keep.source = TRUE),
    error = function(e) {
      message <- conditionMessage(e)
      list(error = list(type = "ParseError", message = message, traceback = as.list(lines_of(message))))
    }
  )
  if (is.list(cells)) return(cells)
  word <- list(text = NULL)
  for (at in seq_along(cells)) {
    word <- work_one(cells[at], at == length(cells))
    if (!is.null(word$error)) break
    show_warnings()
    show_plot(is_finished = FALSE)
  }
  if (is.null(word$error)) show_plot()
  word
}

work_one <- function(cell, is_last) {
  calls <- NULL
  tryCatch(
    withCallingHandlers(
      {
        told <- withVisible(eval(cell, globalenv()))
        remember(".Last.value", told$value)
        if (!told$visible) list(text = NULL)
        else if (is_last && sink.number() == 0L) shown(told$value)
        else {
          print_value(told$value)
          list(text = NULL)
        }
      },
      error = function(e) calls <<- sys.calls(),
      warning = take_warning,
      message = take_message
    ),
    error = function(e) list(error = failure(e, calls, cell))
  )
}

# Where the console keeps it, which has made the places (`bootLines` in `program.ts`): nobody else can.
remember <- function(name, value) {
  if (!exists(name, baseenv(), inherits = FALSE)) return()
  unlockBinding(name, baseenv())
  assign(name, value, baseenv())
}

print_value <- function(value) if (isS4(value)) methods::show(value) else print(value)

shown <- function(value) {
  text <- captured(print_value(value))
  if (!nzchar(text)) return(list(text = NULL))
  html <- if (is.data.frame(value) && length(value) > 0L) tryCatch(table_of(value), error = function(e) NULL)
  c(list(text = text), if (!is.null(html)) list(html = html))
}

table_of <- function(frame) {
  rows <- utils::head(as.data.frame(frame), TABLE_ROWS)
  columns <- utils::head(seq_along(rows), TABLE_COLUMNS)
  cells <- lapply(rows[columns], function(column) {
    text <- if (is.list(column) || is.character(column)) vapply(column, cell_text, "") else format(column, trim = TRUE)
    if (is.null(dim(text))) text else apply(text, 1L, paste, collapse = " ")
  })
  of <- function(tag, text) paste0("<", tag, ">", escaped(text), "</", tag, ">")
  head <- paste0("<tr><th></th>", paste(of("th", names(cells)), collapse = ""), "</tr>")
  body <- do.call(paste0, c(list("<tr>", of("th", row.names(rows))), lapply(unname(cells), of, tag = "td"), list("</tr>")))
  if (nrow(rows) == 0L) body <- NULL
  left <- c(nrow(frame) - nrow(rows), ncol(frame) - length(columns))
  words <- paste(format(left, big.mark = ",", trim = TRUE), c("more rows", "more columns"))[left > 0L]
  note <- if (length(words) > 0L) paste0("<p>\u2026 ", paste(words, collapse = ", "), "</p>")
  paste(c("<table>", "<thead>", head, "</thead>", "<tbody>", body, "</tbody>", "</table>", note), collapse = "\n")
}

cell_text <- function(value) cut(paste(format(value), collapse = ", "), 1000L)

escaped <- function(text) {
  text <- readable(text)
  for (each in list(c("&", "&amp;"), c("<", "&lt;"), c(">", "&gt;"), c("\"", "&quot;")))
    text <- gsub(each[[1L]], each[[2L]], text, fixed = TRUE)
  text
}

# --- conditions

failure <- function(e, calls, cell = NULL) {
  type <- class(e)[[1L]]
  if (type == "simpleError") type <- "Error"
  # In the one language in which the page knows it and offers to install the package.
  message <- if (type == "packageNotFoundError") sprintf("there is no package called \u2018%s\u2019", e$package)
  else conditionMessage(e)
  call <- conditionCall(e)
  stack <- users_stack(calls)
  first <- paste0(
    "Error", if (!is.null(call) && !is_ours(call)) paste(" in", line_of(call)),
    place(if (is.null(stack$raised)) attr(cell, "srcref")[[1L]] else stack$raised, " (from %s)"), " : ", message
  )
  list(type = type, message = message, traceback = as.list(c(lines_of(first), stack$lines)))
}

# As `traceback()` shows them, without what runs the cell and what raised the error, which tells where that was.
users_stack <- function(calls) {
  begins <- which(vapply(calls, is_ours, NA))
  if (length(begins) > 0L) calls <- calls[-seq_len(max(begins))]
  raised <- NULL
  while (length(calls) > 0L && is_raising(calls[[length(calls)]][[1L]])) {
    raised <- attr(calls[[length(calls)]], "srcref")
    calls <- calls[-length(calls)]
  }
  remember(".Traceback", rev(calls))
  lines <- vapply(seq_along(calls), function(at) {
    paste0("  ", at, ": ", line_of(calls[[at]]), place(attr(calls[[at]], "srcref"), " at %s"))
  }, "")
  if (length(lines) > FRAMES_MAX) {
    half <- FRAMES_MAX %/% 2L
    left <- sprintf("  [\u2026 %d calls \u2026]", length(lines) - 2L * half)
    lines <- c(utils::head(lines, half), left, utils::tail(lines, half))
  }
  list(raised = raised, lines = rev(lines))
}

place <- function(source, words) {
  if (is.null(source)) "" else sprintf(words, paste0(basename(attr(source, "srcfile")$filename), ":", source[[1L]]))
}

lines_of <- function(text) strsplit(text, "\n", fixed = TRUE)[[1L]]

OURS <- list(quote(eval(cell, globalenv())), quote(print_value(value)), quote(print_value(told$value)))
is_ours <- function(call) any(vapply(OURS, identical, NA, `attributes<-`(call, NULL)))

RAISING <- c(
  "stop", "warning", ".handleSimpleError", ".signalSimpleWarning", "h", "signalCondition", "abort", "cnd_signal",
  "signal_abort", "withRestarts", "withOneRestart", "doWithOneRestart"
)
is_raising <- function(head) {
  if (is.function(head)) return(TRUE) # Our handler, and the one that R calls it by.
  if (is.call(head) && length(head) == 3L) head <- head[[3L]]
  is.name(head) && as.character(head) %in% RAISING
}

line_of <- function(call) {
  text <- deparse(call, nlines = 2L)
  if (length(text) > 1L) paste0(text[[1L]], " ...") else text
}

# Told after the expression, as at the console, unless R is told to do something else with them.
take_warning <- function(w) {
  level <- getOption("warn")
  if (Sys.getpid() != own || !is.numeric(level) || level != 0L) return()
  if (length(collected) < WARNINGS_MAX) {
    call <- conditionCall(w)
    new <- list(if (!is.null(call) && !is_ours(call)) call)
    names(new) <- conditionMessage(w)
    collected <<- c(collected, new)
  }
  invokeRestart("muffleWarning")
}

show_warnings <- function() {
  if (length(collected) == 0L) return()
  told <- collected
  collected <<- list()
  remember("last.warning", told)
  count <- length(told)
  text <- if (count >= WARNINGS_MAX) sprintf("There were %d or more warnings (use warnings() to see the first %d)", count, count)
  else if (count > 10L) sprintf("There were %d warnings (use warnings() to see them)", count)
  else captured(print(structure(told, class = "warnings")))
  exchange(event = "text", stream = "stderr", text = paste0(text, "\n"))
}

# Through the keeper, so that it is in order with what is printed.
take_message <- function(m) {
  if (Sys.getpid() != own || sink.number(type = "message") != 2L) return()
  exchange(event = "text", stream = "stderr", text = conditionMessage(m))
  invokeRestart("muffleMessage")
}
