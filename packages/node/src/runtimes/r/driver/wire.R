# What this program tells its keeper and is told: a line each, JSON one way, a call of `list` the other.
#
# Interrupts are suspended wherever this code runs and allowed wherever the code of a cell does, so that none is lost
# between two lines or ends the session. What a cell shows besides text waits until the keeper has it: so it stays in
# order with what is printed past this code.

# Before they are replaced for cells.
read_lines <- base::readLines
own <- Sys.getpid()
says <- list(path = "", mode = "w", connection = NULL)
orders <- list(path = "", mode = "r", connection = NULL)

# Opened again after `closeAllConnections()`, when the number may be somebody else's.
opened <- function(end) {
  is_open <- !is.null(end$connection) &&
    tryCatch(summary(end$connection)$description == end$path, error = function(e) FALSE)
  if (!is_open) end$connection <- fifo(end$path, end$mode, blocking = TRUE, encoding = "UTF-8")
  end
}

say <- function(...) {
  says <<- opened(says)
  writeLines(json(list(...)), says$connection, useBytes = TRUE)
}

# The next order. Without a keeper there is nothing left to do.
hear <- function() {
  orders <<- opened(orders)
  line <- read_lines(orders$connection, 1L, warn = FALSE, encoding = "UTF-8")
  if (length(line) == 0L) quit("no", 1L, FALSE)
  eval(parse(text = line, keep.source = FALSE, encoding = "UTF-8")[[1L]], baseenv())
}

# Says it and waits for the answer. A child that the code forked has no say: its parent would get the answer.
exchange <- function(...) if (Sys.getpid() == own) suspendInterrupts({
  say(...)
  hear()
})

# One value is a scalar, unless it is marked with `I()`; a list is an object when it has names.
json <- function(value) {
  if (is.null(value)) return("null")
  if (!is.list(value)) {
    text <- if (is.character(value)) quoted(value)
    else if (is.logical(value)) ifelse(is.na(value), "null", ifelse(value, "true", "false"))
    else ifelse(is.finite(value), format(value, digits = 15L, trim = TRUE, scientific = FALSE), "null")
    return(if (length(text) == 1L && !inherits(value, "AsIs")) text else paste0("[", paste(text, collapse = ","), "]"))
  }
  parts <- vapply(value, json, "")
  if (is.null(names(value))) return(paste0("[", paste(parts, collapse = ","), "]"))
  paste0("{", paste0("\"", names(value), "\":", parts, collapse = ","), "}") # The names are ours.
}

USUAL <- c("\\" = "\\\\", "\"" = "\\\"", "\n" = "\\n", "\r" = "\\r", "\t" = "\\t")
CONTROLS <- structure(sprintf("\\u%04x", c(1:31, 127L)), names = vapply(c(1:31, 127L), intToUtf8, ""))

quoted <- function(text) {
  if (length(text) == 0L) return(character())
  text[is.na(text)] <- "NA"
  text <- readable(text)
  if (any(grepl("[\\\\\"[:cntrl:]]", text, perl = TRUE))) text <- with_each(text, USUAL)
  if (any(grepl("[[:cntrl:]]", text, perl = TRUE))) text <- with_each(text, CONTROLS)
  paste0("\"", text, "\"")
}

with_each <- function(text, escapes) {
  for (each in names(escapes)) text <- gsub(each, escapes[[each]], text, fixed = TRUE)
  text
}

# UTF-8 whatever it was.
readable <- function(text) {
  text <- enc2utf8(as.character(text))
  wrong <- !validUTF8(text)
  if (any(wrong)) text[wrong] <- iconv(text[wrong], "UTF-8", "UTF-8", sub = "byte")
  text
}

cut <- function(text, most) {
  text <- paste(readable(text), collapse = "\n")
  if (nchar(text) > most) paste0(substr(text, 1L, most - 1L), "\u2026") else text
}

# What evaluating `expr` prints, without a text connection, which takes minutes for a few MB. Of more than `most` bytes
# the beginning.
captured <- function(expr, most = 1048576L) {
  before <- sink.number()
  into <- rawConnection(raw(), "w")
  on.exit({
    while (sink.number() > before) sink()
    close(into)
  })
  sink(into)
  expr
  while (sink.number() > before) sink()
  bytes <- rawConnectionValue(into)
  text <- rawToChar(utils::head(bytes[bytes != as.raw(0L)], most))
  Encoding(text) <- "UTF-8"
  sub("\n$", "", readable(text))
}

# Puts a function of ours in the place of one of R's, for the code of packages too.
replace <- function(package, name, value) {
  for (place in list(asNamespace(package), as.environment(paste0("package:", package)))) {
    unlockBinding(name, place)
    assign(name, value, place)
    lockBinding(name, place)
  }
}
