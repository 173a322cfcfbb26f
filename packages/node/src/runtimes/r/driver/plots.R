# Plots: a device without a display, opened when a cell first draws. A page is shown after the expression that drew on
# it, and in the same place again when a later one adds to it.
#
# A page is drawn anew from R's own record of it onto a device of the same kind, which leaves the open one as it is.

PNG_TYPE <- if (capabilities("cairo")) "cairo" else getOption("bitmapType")
PIXELS_PER_INCH <- 96
SCALE <- 2 # Of what screens show.
# Of a page with more data than this (about 10,000 points) smooth lines take seconds, minutes of ten times as many.
# It is drawn without, and only when it is finished.
LARGE_BYTES <- 200000
INCHES_MAX <- 50
# What is on a page before anything is drawn there.
NOT_DRAWN <- c("C_par", "C_layout", "C_clip", "C_plot_window", "C_strWidth", "C_strHeight", "palette", "palette2", "C_setMask")

folder <- ""
device <- 0L # Its number, or 0: none is open.
page <- 0L
shown_page <- NULL

side <- function(name, usual) {
  inches <- getOption(name, usual)
  if (is.numeric(inches) && length(inches) == 1L && is.finite(inches)) min(max(inches, 1), INCHES_MAX) else usual
}

size <- function() c(side("repr.plot.width", 7), side("repr.plot.height", 5))

open_png <- function(file, scale, is_smooth) {
  grDevices::png(
    file, size()[[1L]], size()[[2L]], "in",
    res = PIXELS_PER_INCH * scale, type = PNG_TYPE, antialias = if (is_smooth) "gray" else "none"
  )
}

# R calls it when something is drawn and no device is open.
open_device <- function(...) {
  show_plot()
  close_device()
  open_png(file.path(folder, "open-%d.png"), 1, FALSE) # Nobody sees it.
  device <<- grDevices::dev.cur()
  grDevices::dev.control("enable")
  shown_page <<- NULL
}

is_ours_open <- function() {
  is_open <- device > 1L && device %in% grDevices::dev.list() && Sys.getpid() == own
  if (!is_open) device <<- 0L
  is_open
}

# What is drawn on the page now and has not been shown, or NULL.
unseen <- function() {
  if (!is_ours_open() || grDevices::dev.cur() != device) return(NULL)
  plot <- grDevices::recordPlot()
  drawn <- Filter(is_drawing, as.list(plot[[1L]]))
  if (length(drawn) == 0L || identical(drawn, shown_page)) return(NULL)
  list(plot = plot, drawn = drawn, is_large = utils::object.size(drawn) > LARGE_BYTES)
}

is_drawing <- function(step) !any(tryCatch(step[[2L]][[1L]]$name, error = function(e) NULL) %in% NOT_DRAWN)

show_plot <- function(is_finished = TRUE) {
  found <- unseen()
  if (is.null(found) || (found$is_large && !is_finished)) return()
  file <- file.path(folder, "page.png")
  before <- grDevices::dev.cur()
  open_png(file, SCALE, !found$is_large)
  drawing <- grDevices::dev.cur()
  tryCatch(suppressWarnings(grDevices::replayPlot(found$plot)), finally = {
    grDevices::dev.off(drawing)
    grDevices::dev.set(before)
  })
  again <- !is.null(shown_page)
  if (!again) page <<- page + 1L
  shown_page <<- found$drawn
  inches <- size()
  exchange(
    event = "plot", file = file, id = sprintf("plot-%d", page), again = again,
    width = inches[[1L]] * PIXELS_PER_INCH, height = inches[[2L]] * PIXELS_PER_INCH
  )
}

# Before a new page: the one that is there is finished.
turn_page <- function(...) {
  if (!is_ours_open() || grDevices::dev.cur() != device || drawing_beside()) return()
  show_plot()
  shown_page <<- NULL
}

# The next figure comes beside the last one (`mfrow`, `par(new = TRUE)`).
drawing_beside <- function() !graphics::par("page")

close_device <- function() {
  if (!is_ours_open()) return()
  closing <- device
  device <<- 0L
  dev_off(closing)
  unlink(file.path(folder, "open-*.png"))
}

dev_off <- grDevices::dev.off
graphics_off <- grDevices::graphics.off

begin_plots <- function(session_folder) {
  folder <<- session_folder
  options(device = open_device)
  setHook("before.plot.new", turn_page)
  setHook("before.grid.newpage", function(...) turn_page())
  replace("grDevices", "dev.off", function(which = grDevices::dev.cur()) {
    if (is_ours_open() && which == device) {
      show_plot()
      close_device()
      return(invisible(grDevices::dev.cur()))
    }
    if (which == 1L) return(invisible(grDevices::dev.cur())) # It is closed already.
    dev_off(which)
  })
  replace("grDevices", "graphics.off", function() {
    show_plot()
    close_device()
    graphics_off()
  })
}
