# What code asks of whoever runs it.

LINES_MAX <- 100000L

# Waits for an answer. An interrupt that comes instead of one is raised here.
ask <- function(prompt = "", password = FALSE) {
  if (Sys.getpid() != own) return("")
  told <- exchange(event = "ask", prompt = paste(as.character(prompt), collapse = " "), password = password)
  if (told$op == "answer") told$text else stop_cell()
}

stop_cell <- function() {
  forget_interrupt()
  signalCondition(structure(class = c("interrupt", "condition"), list(message = "", call = NULL)))
  invokeRestart("abort")
}

# R passes interrupts over while it waits for a program, which has ended of this one: so has what waited for it.
INTERRUPTED <- c(2L, 130L)
passing_interrupts_on <- function(original) {
  passing <- function() {
    call <- sys.call()
    call[[1L]] <- original
    told <- withVisible(eval(call, parent.frame()))
    status <- attr(told$value, "status")
    if (is.null(status)) status <- told$value
    if (is.numeric(status) && length(status) == 1L && status %in% INTERRUPTED) stop_cell()
    if (told$visible) told$value else invisible(told$value)
  }
  formals(passing) <- formals(original)
  passing
}

# As many lines as are wanted; without a number, up to an empty one.
ask_lines <- function(count = -1L, prompt = "") {
  lines <- character()
  while (length(lines) < (if (count < 0L) LINES_MAX else count)) {
    line <- ask(prompt)
    if (count < 0L && !nzchar(line)) break
    lines <- c(lines, line)
  }
  lines
}

is_console <- function(from) {
  if (is.character(from)) return(length(from) == 1L && from == "stdin")
  inherits(from, "connection") && identical(summary(from)$description, "stdin")
}

begin_input <- function() {
  scan_text <- base::scan
  for (name in c("system", "system2")) replace("base", name, passing_interrupts_on(get(name, baseenv())))
  replace("base", "readline", function(prompt = "") ask(prompt))
  replace("base", "readLines", function(con = stdin(), n = -1L, ok = TRUE, warn = TRUE, encoding = "unknown", skipNul = FALSE) {
    if (is_console(con)) ask_lines(n) else read_lines(con, n, ok, warn, encoding, skipNul)
  })
  replace("base", "scan", function(file = "", what = double(), nmax = -1L, n = -1L, ...) {
    call <- match.call()
    if ("text" %in% names(call) || !(identical(file, "") || is_console(file))) {
      call[[1L]] <- scan_text
      return(eval(call, parent.frame()))
    }
    lines <- ask_lines(if (is.null(call$nlines)) -1L else eval(call$nlines, parent.frame()))
    from <- textConnection(lines)
    on.exit(close(from))
    call$file <- from
    call[[1L]] <- scan_text
    eval(call, parent.frame())
  })
  replace("utils", "menu", function(choices, graphics = FALSE, title = NULL) {
    cat(if (!is.null(title) && any(nzchar(title))) c(title, ""), paste0(seq_along(choices), ": ", choices), "", sep = "\n")
    repeat {
      chosen <- suppressWarnings(as.integer(ask("Selection: ")))
      if (!is.na(chosen) && chosen >= 0L && chosen <= length(choices)) return(chosen)
      cat("Enter an item from the menu, or 0 to exit\n")
    }
  })
}
